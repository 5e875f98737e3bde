/** What somebody sees from outside of a process whose disk becomes full. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Skein } from '../../support/skein.ts';
import type { Answered } from './on-full-disk.ts';

const PATIENCE_MS = 40_000;

export async function waitFor(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`No ${what} within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}

export class Watch {
  readonly #skein: Pick<Skein, 'httpPort' | 'adminKey'>;

  constructor(skein: Pick<Skein, 'httpPort' | 'adminKey'>) {
    this.#skein = skein;
  }

  async #ask(method: string, path: string, body?: unknown): Promise<{ response: Response; text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.#skein.httpPort}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#skein.adminKey}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { response, text: await response.text() };
  }

  /** What health says of the database; undefined: nothing just now. */
  async #database(): Promise<{ condition: string; detail?: string } | undefined> {
    const { response, text } = await this.#ask('GET', '/health/services');
    return response.status === 200 ? JSON.parse(text).database : undefined;
  }

  /** Answers what health says then. */
  async untilReadOnly(): Promise<string> {
    let detail: string | undefined;
    await waitFor('health that says read-only', async () => {
      detail = (await this.#database())?.detail;
      return detail?.startsWith('read-only') === true;
    });
    return detail!;
  }

  untilHealthy(): Promise<void> {
    return waitFor('health', async () => (await this.#database())?.condition === 'healthy');
  }

  /** Messages of which the process says that nobody knows whether they were stored. */
  async unknown(): Promise<number> {
    const { text } = await this.#ask('GET', '/metrics');
    return Number(/^skein_actors_unknown_total (\d+)/m.exec(text)?.[1] ?? 0);
  }

  async write(): Promise<Answered> {
    const { response, text } = await this.#ask('POST', '/devices', {
      id: `made-${performance.now()}`.replace('.', '-'),
    });
    const body = JSON.parse(text);
    return { status: response.status, type: body.type ?? null, retryAfter: response.headers.get('retry-after') };
  }

  /** What a list of devices and the metrics say. */
  async read(): Promise<{ status: number; readOnly: string | undefined }> {
    const { response } = await this.#ask('GET', '/devices');
    const { text } = await this.#ask('GET', '/metrics');
    return { status: response.status, readOnly: /^skein_storage_read_only (\d)/m.exec(text)?.[1] };
  }
}

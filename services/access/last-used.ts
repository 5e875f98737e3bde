/**
 * When API keys of programs and of devices were last used. A use is only noted; what was noted is written every few seconds, many at once, so that
 * no request waits for it. To the minute: a key that is used all the time costs one small write a minute.
 */
import type { Key } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';

const TABLES = { device: 'device_key', application: 'api_key' } as const satisfies Record<Key['kind'], string>;
/** Rows of one statement. */
const PIECE_ROWS = 1_000;

type Options = {
  readonly database: Pick<Database, 'query'>;
  readonly maxCredentials: number;
  readonly flushMs: number;
  readonly onError: (error: unknown) => void;
};

export class LastUsed {
  readonly #options: Options;
  #noted = { device: new Set<string>(), application: new Set<string>() };
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Beyond `maxCredentials` it is not noted: the key is used again, or was used only then. */
  note({ kind, id }: Pick<Key, 'kind' | 'id'>): void {
    const { device, application } = this.#noted;
    if (this.#isStopped || device.size + application.size >= this.#options.maxCredentials) return;
    this.#noted[kind].add(id);
    this.#timer ??= setTimeout(() => void this.flush(), this.#options.flushMs).unref();
  }

  /** Writes what was noted. Never rejects: it is for people, and the next use comes. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const noted = this.#noted;
    this.#noted = { device: new Set(), application: new Set() };
    this.#flushing = this.#flushing.then(() => this.#write(noted)).catch(this.#options.onError);
    return this.#flushing;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.flush();
  }

  async #write(noted: Readonly<Record<Key['kind'], ReadonlySet<string>>>): Promise<void> {
    for (const kind of ['application', 'device'] as const) {
      // In one order, so that two nodes that write the same ones do not wait for each other in a circle.
      const ids = [...noted[kind]].sort();
      for (let at = 0; at < ids.length; at += PIECE_ROWS)
        await this.#options.database.query(
          `UPDATE ${TABLES[kind]} SET last_used_at = now() WHERE key_id IN (
             SELECT key_id FROM ${TABLES[kind]}
             WHERE key_id = ANY ($1) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
             ORDER BY key_id FOR NO KEY UPDATE SKIP LOCKED)`,
          [ids.slice(at, at + PIECE_ROWS)],
        );
    }
  }
}

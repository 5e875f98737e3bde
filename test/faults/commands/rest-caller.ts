/** Asks over REST, and knows that no answer is no answer. */
import { setTimeout as sleep } from 'node:timers/promises';

/** `status` 0: nobody answered, so it may have been done or not. */
export type RestAnswer = { readonly status: number; readonly body: Record<string, unknown> };
export type RestRequest = {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

const TIMEOUT_MS = 3_000;

export class RestCaller {
  readonly #baseUrl: () => string;
  readonly #key: string;

  /** @param baseUrl of whoever is to be asked this time */
  constructor(baseUrl: () => string, key: string) {
    this.#baseUrl = baseUrl;
    this.#key = key;
  }

  async ask({ method, path, body, headers = {} }: RestRequest): Promise<RestAnswer> {
    try {
      const response = await fetch(`${this.#baseUrl()}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    } catch {
      return { status: 0, body: {} };
    }
  }

  /** Asks until the answer says what is so: neither "not now" nor "nobody knows" nor nothing. */
  async askUntilAnswered(request: RestRequest, isOver: () => boolean, pauseMs: () => number): Promise<RestAnswer> {
    for (;;) {
      const answer = await this.ask(request);
      if (!isPassing(answer) || isOver()) return answer;
      await sleep(pauseMs());
    }
  }
}

/** Ends by itself, so it is worth to ask again. */
const isPassing = ({ status, body }: RestAnswer): boolean =>
  status === 0 || status === 429 || status >= 500 || body.type === 'too_many_commands';

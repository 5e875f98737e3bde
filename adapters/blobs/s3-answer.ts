/** An answer of S3, from its request to its last byte. Each time that nothing comes for too long, it ends. */
import type { BlobError } from '../../contracts/blobs.ts';

/** Of a text: a page of a list has 1,000 keys of at most 1 KiB. */
const TEXT_MAX_BYTES = 8 * 1024 * 1024;

export class S3Answer {
  readonly ended: Promise<void>;
  readonly #timeoutMs: number;
  readonly #errorOf: (why: string) => BlobError;
  readonly #abort = new AbortController();
  readonly #end: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isLate = false;
  #response: Response | undefined;

  constructor(timeoutMs: number, errorOf: (why: string) => BlobError) {
    this.#timeoutMs = timeoutMs;
    this.#errorOf = errorOf;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#expect();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get status(): number {
    return this.#response!.status;
  }

  header(name: string): string | undefined {
    return this.#response!.headers.get(name) ?? undefined;
  }

  /** Rejects with a BlobError when none comes. */
  async from(response: Promise<Response>): Promise<this> {
    try {
      this.#response = await response;
    } catch (error) {
      throw this.#failed(error);
    }
    this.#expect();
    return this;
  }

  /** Time passes only while it waits for the store, not while its consumer works. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const reader = this.#response!.body?.getReader();
    try {
      while (reader !== undefined) {
        this.#expect();
        const { done, value } = await reader.read().catch(error => Promise.reject(this.#failed(error)));
        clearTimeout(this.#timer);
        if (done) return;
        yield value as Uint8Array;
      }
    } finally {
      this.leave();
    }
  }

  async text(): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.bytes()) {
      bytes += chunk.byteLength;
      if (bytes > TEXT_MAX_BYTES) throw this.#errorOf('its answer is too long');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** Of no further interest. What is not here yet does not come any more. */
  leave(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#end();
  }

  #expect(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.leave();
    }, this.#timeoutMs).unref();
  }

  #failed(error: unknown): BlobError {
    this.leave();
    return this.#errorOf(this.#isLate ? `no answer within ${this.#timeoutMs} ms` : codeOf(error));
  }
}

/** Of what `fetch` says only the code: its messages have more than should be shown. */
function codeOf(error: unknown): string {
  const { code } = ((error as Error).cause ?? error) as { code?: unknown };
  return typeof code === 'string' && /^\w+$/.test(code) ? code : 'the connection failed';
}

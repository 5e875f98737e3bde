/**
 * Telemetry out of Parquet files that others made. They are decoded in a thread of their own: a file may be made to take all memory, or all
 * time, and then it takes that of the thread.
 */
import { Worker } from 'node:worker_threads';
import type { Limits } from '../../contracts/limits.ts';
import { type Mapping, ROLES } from './any-columns.ts';
import type { Batch, FromThread, ToThread, Work } from './any-messages.ts';
import { ParquetError } from './parquet-error.ts';
import type { ParquetFile, ReadLimits } from './parquet-file.ts';

export type AnyRow = {
  /** Of the file; the first is 1. */
  readonly row: number;
  /** Null where the file has no such column, or nothing in it. */
  readonly device: string | null;
  readonly measurement: string | null;
  /** Microseconds since 1970 (UTC), or the text that the file has. */
  readonly timestamp: number | string | null;
  /** Not checked: it may be NaN or infinite. */
  readonly value: number | boolean | string | null;
  /** JSON text of a value that is not a number, as our own files have it. */
  readonly text: string | null;
  readonly quality: number | null;
};
export type AnyLimits = ReadLimits & Pick<Limits, 'parquetThreadMaxMebibytes' | 'parquetThreadTimeoutSeconds'>;

/** Batches of rows, in the order of the file, from this row on. Rejects with a ParquetError, or with what the file says when it can't be read. */
export async function* readAnyParquet(
  file: ParquetFile,
  mapping: Mapping,
  limits: AnyLimits,
  fromRow = 1,
): AsyncGenerator<AnyRow[]> {
  const thread = new DecodingThread(file, mapping, limits, fromRow);
  try {
    for (let batch = await thread.next(); batch !== undefined; batch = await thread.next()) yield rowsOf(batch);
  } finally {
    await thread.end();
  }
}

function rowsOf({ firstRow, rows, columns }: Batch): AnyRow[] {
  return Array.from({ length: rows }, (_, at) => ({
    row: firstRow + at,
    ...(Object.fromEntries(ROLES.map(role => [role, columns[role]?.[at] ?? null])) as Omit<AnyRow, 'row'>),
  }));
}

class DecodingThread {
  readonly #file: ParquetFile;
  readonly #limits: AnyLimits;
  readonly #worker: Worker;
  #answer: PromiseWithResolvers<Batch | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #fetching = 0;
  #isEnded = false;

  constructor(file: ParquetFile, mapping: Mapping, limits: AnyLimits, fromRow: number) {
    this.#file = file;
    this.#limits = limits;
    const workerData: Work = { byteLength: file.byteLength, mapping, limits, fromRow };
    this.#worker = new Worker(new URL('./any-parquet.worker.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: limits.parquetThreadMaxMebibytes },
    });
    this.#worker.on('message', (message: FromThread) => this.#hear(message));
    this.#worker.on('error', (error: NodeJS.ErrnoException) =>
      this.#fail(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuch('memory') : error),
    );
  }

  /** Undefined: these were all. */
  next(): Promise<Batch | undefined> {
    this.#answer = Promise.withResolvers();
    this.#watch();
    this.#send({ kind: 'next' });
    return this.#answer.promise;
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    await this.#worker.terminate();
  }

  #hear(message: FromThread): void {
    if (message.kind === 'wants') return void this.#fetch(message);
    clearTimeout(this.#timer);
    if (message.kind === 'failed') this.#answer?.reject(new ParquetError(message.error, message.message));
    else this.#answer?.resolve(message.kind === 'batch' ? message.batch : undefined);
  }

  /** Time that the file takes is not the thread's. */
  async #fetch({ id, start, end }: FromThread & { kind: 'wants' }): Promise<void> {
    clearTimeout(this.#timer);
    this.#fetching++;
    try {
      const bytes = await this.#file.slice(start, end);
      this.#send({ kind: 'bytes', id, bytes }, [bytes]);
    } catch (error) {
      this.#fail(error);
    }
    if (--this.#fetching === 0) this.#watch();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#isEnded) return;
    this.#timer = setTimeout(() => this.#fail(tooMuch('time')), this.#limits.parquetThreadTimeoutSeconds * 1_000);
  }

  #fail(error: unknown): void {
    clearTimeout(this.#timer);
    this.#answer?.reject(error);
  }

  #send(message: ToThread, moved: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, moved);
  }
}

const tooMuch = (what: string): ParquetError =>
  new ParquetError('too_large', `The file takes too much ${what} to be decoded: write it with smaller row groups`);

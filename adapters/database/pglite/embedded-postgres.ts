/**
 * PGlite with what it lacks as the only database of a process: it syncs its files, it makes checkpoints by itself, and when
 * PostgreSQL inside it ends, it says so.
 */
import { PGlite } from '@electric-sql/pglite';
import { serialize } from 'pg-protocol';
import { AnswerScan } from './answer-scan.ts';
import { DurableFiles } from './durable-files.ts';

/**
 * PGlite's own but `-F` (no fsync). `fdatasync` is nothing in WebAssembly, so WAL is synced with `fsync`. Pages that are not
 * in `shared_buffers` come from the system's cache at little cost, and 32 MB instead of 128 save about 100 MB of memory.
 */
const START = [
  ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
  ...['wal_sync_method=fsync', 'shared_buffers=32MB', 'max_wal_size=256MB'].flatMap(setting => ['-c', setting]),
];
/** What PGlite throws inside itself for an ordinary error of SQL. Anything else ends PostgreSQL. */
const ORDINARY_ERROR = 100;
/** With a server a process of its own makes checkpoints; without any the WAL would grow until the next orderly stop. */
const CHECKPOINT_EVERY_WAL_BYTES = 128 * 1024 * 1024;
/** How often the size of the WAL is looked at. A byte of a request becomes up to about ten of WAL. */
const LOOK_EVERY_REQUEST_BYTES = 4 * 1024 * 1024;
const LOOK_EVERY_REQUESTS = 200;
const LAST_LINES = 5;

const CHECKPOINT = serialize.query('CHECKPOINT');
const CHECKPOINT_IS_DUE = serialize.query(
  `SELECT FROM pg_control_checkpoint() WHERE pg_current_wal_insert_lsn() - redo_lsn > ${CHECKPOINT_EVERY_WAL_BYTES}`,
);

/** Of Emscripten's module, the functions that run PostgreSQL. */
type Module = Record<'_PostgresMainLoopOnce' | '_PostgresMainLongJmp', () => void> & {
  stackRestore: (pointer: number) => void;
};

export class EmbeddedPostgres {
  readonly #pglite: PGlite;
  readonly #lastLines: string[];
  #death: Error | undefined;
  #requestsSinceLook = 0;
  #bytesSinceLook = 0;

  /** Makes the database first when `folder` is empty. */
  static async open(folder: string): Promise<EmbeddedPostgres> {
    const lastLines: string[] = [];
    const onStderr = (line: string) => {
      lastLines.push(line);
      if (lastLines.length > LAST_LINES) lastLines.shift();
      return false;
    };
    try {
      const pglite = await PGlite.create({ fs: new DurableFiles(folder), startParams: START, onStderr });
      return new EmbeddedPostgres(pglite, lastLines);
    } catch (error) {
      throw new Error([(error as Error).message, ...lastLines].join('\n  '), { cause: error });
    }
  }

  private constructor(pglite: PGlite, lastLines: string[]) {
    this.#pglite = pglite;
    this.#lastLines = lastLines;
    this.#watch(pglite.Module as unknown as Module);
  }

  /**
   * Runs messages of PostgreSQL's protocol until all are answered. The pieces are copies: the originals lie in PGlite's
   * memory. Throws when PostgreSQL has ended: it can only be opened anew, in another thread.
   */
  run(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    this.#requestsSinceLook++;
    this.#bytesSinceLook += bytes.byteLength;
    // All work is done before this returns. What it rejects with has been noticed before, or leaves the answer incomplete.
    this.#pglite
      .execProtocolRawStream(bytes, { syncToFs: false, onRawData: piece => pieces.push(piece.slice()) })
      .catch(() => {});
    if (this.#death === undefined && !new AnswerScan(pieces).ready) this.#die(new Error('the answer is incomplete'));
    if (this.#death !== undefined) throw this.#death;
    return pieces;
  }

  /** Makes a checkpoint if one is due. Nobody waits for an answer meanwhile, but for their turn. */
  maintain(): void {
    if (this.#requestsSinceLook < LOOK_EVERY_REQUESTS && this.#bytesSinceLook < LOOK_EVERY_REQUEST_BYTES) return;
    if (this.#pglite.isInTransaction()) return;
    this.#requestsSinceLook = 0;
    this.#bytesSinceLook = 0;
    if (new AnswerScan(this.run(CHECKPOINT_IS_DUE)).rowCounts[0] === 1) this.run(CHECKPOINT);
  }

  close(): Promise<void> {
    return this.#pglite.close();
  }

  /** PGlite swallows whatever PostgreSQL throws, and would go on with one that has ended. */
  #watch(module: Module): void {
    for (const name of ['_PostgresMainLoopOnce', '_PostgresMainLongJmp'] as const) {
      const original = module[name];
      module[name] = () => {
        try {
          original();
        } catch (error) {
          if ((error as { status?: number }).status !== ORDINARY_ERROR) this.#die(error as Error);
          throw error;
        }
      };
    }
    // PGlite calls this in its loop after every error, so it is where the loop can be left.
    const stackRestore = module.stackRestore;
    module.stackRestore = pointer => {
      if (this.#death !== undefined) throw this.#death;
      stackRestore(pointer);
    };
  }

  #die(cause: Error): void {
    const reason = `the embedded database ended: ${cause.message}`;
    this.#death ??= new Error([reason, ...this.#lastLines].join('\n  '), { cause });
  }
}

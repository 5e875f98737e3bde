/**
 * PGlite with what it lacks as the only database of a process: it syncs its files, and when PostgreSQL inside it ends, it
 * says so.
 */
import { PGlite } from '@electric-sql/pglite';
import { AnswerScan } from './answer-scan.ts';
import { DurableFiles } from './durable-files.ts';

/**
 * PGlite's own but `-F` (no fsync). `fdatasync` is nothing in WebAssembly, so WAL is synced with `fsync`. Pages that are not
 * in `shared_buffers` come from the system's cache at little cost, and 32 MB instead of 128 save about 100 MB of memory.
 * With a small sample ANALYZE is short, and everybody waits for it.
 */
const START = [
  ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
  ...['wal_sync_method=fsync', 'shared_buffers=32MB', 'max_wal_size=256MB', 'default_statistics_target=10'].flatMap(
    setting => ['-c', setting],
  ),
];
/** What PGlite throws inside itself for an ordinary error of SQL. Anything else ends PostgreSQL. */
const ORDINARY_ERROR = 100;
const LAST_LINES = 5;

/** Of Emscripten's module, the functions that run PostgreSQL. */
type Module = Record<'_PostgresMainLoopOnce' | '_PostgresMainLongJmp', () => void> & {
  stackRestore: (pointer: number) => void;
};

export class EmbeddedPostgres {
  readonly #pglite: PGlite;
  readonly #lastLines: string[];
  #death: Error | undefined;

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
    // All work is done before this returns. What it rejects with has been noticed before, or leaves the answer incomplete.
    this.#pglite
      .execProtocolRawStream(bytes, { syncToFs: false, onRawData: piece => pieces.push(piece.slice()) })
      .catch(() => {});
    if (this.#death === undefined && !new AnswerScan(pieces).ready) this.#die(new Error('the answer is incomplete'));
    if (this.#death !== undefined) throw this.#death;
    return pieces;
  }

  isInTransaction(): boolean {
    return this.#pglite.isInTransaction();
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

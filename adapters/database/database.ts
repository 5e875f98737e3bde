/**
 * The port to the database: one SQL dialect (PostgreSQL's), three engines. `test/adapters/database/conformance.ts` says what
 * every adapter must do.
 */
export type Engine = 'pglite' | 'postgres' | 'timescale';
export type Row = Record<string, unknown>;

/**
 * One step of a `commit`. A `query` may say how many rows it must return (`expectRows`): any other number undoes the whole
 * transaction and rejects with `expectation_failed`. A `copy` writes rows encoded in PostgreSQL's binary COPY format,
 * header and trailer included (https://www.postgresql.org/docs/15/sql-copy.html).
 */
export type Step =
  | { readonly kind: 'query'; readonly sql: string; readonly params?: readonly unknown[]; readonly expectRows?: number }
  | { readonly kind: 'copy'; readonly table: string; readonly columns: readonly string[]; readonly data: Uint8Array };

/** Why nothing new is taken: the database has said that its disk is full, or the room that is left is kept for what makes room. */
export type ReadOnly = 'disk full' | 'disk nearly full';
export interface Room {
  /** Undefined: everything can be stored. */
  readonly readOnly: ReadOnly | undefined;
  /** Where the embedded database is; undefined: not known. */
  readonly freeBytes: number | undefined;
  /** How often it became read-only. */
  readonly times: number;
}

export interface Transaction {
  query<R extends Row = Row>(sql: string, params?: readonly unknown[]): Promise<R[]>;
}

/**
 * Types in and out, the same on all engines: int8 comes back as number (our ids stay below 2^53), float8 as number, bool as
 * boolean, text as string, timestamptz as Date, jsonb as parsed value, bytea as Uint8Array, arrays as arrays. A parameter
 * that is an object and is not a Date, Uint8Array or array is sent as JSON.
 */
export interface Database {
  readonly engine: Engine;
  /** Whether there is room to write. Absent: nobody looks. */
  readonly room?: Room;
  /** One statement by itself. */
  query<R extends Row = Row>(sql: string, params?: readonly unknown[]): Promise<R[]>;
  /** One statement that only reads, finds its rows by their keys, and comes very often: a server has to prepare it only once. */
  reader(sql: string): Reader;
  /** Reads and writes that depend on each other. Commits when `work` resolves, undoes all when it rejects. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Several statements without parameters in one transaction, as migrations have them. */
  script(sql: string): Promise<void>;
  /** A writer with its own connection and one transaction at a time, with `laneStatementTimeoutMs` on its statements. */
  lane(name: string): Lane;
  close(): Promise<void>;
}

export interface Reader {
  /** Rejects with a DatabaseError; the same may succeed the next time. */
  read<R extends Row = Row>(params: readonly unknown[]): Promise<R[]>;
}

export interface Lane {
  /**
   * All steps in one transaction; the rows of each step (none for a copy). Rejects with a DatabaseError. `outcome_unknown`
   * means that the commit was sent and its answer never came; every other error means that nothing was stored.
   */
  commit(steps: readonly Step[]): Promise<Row[][]>;
  close(): Promise<void>;
}

/**
 * - `unavailable`: no connection, or it broke before the commit was sent. Nothing was stored; the same may succeed later.
 * - `outcome_unknown`: it broke after the commit was sent.
 * - `duplicate_key`: a unique constraint. - `refused`: the content (SQLSTATE classes 22 and 23 but unique).
 * - `expectation_failed`: a step returned another number of rows than expected.
 * - `full`: the database has no room for it; nothing was stored.
 * - `timeout`: statement timeout; nothing was stored. - `failed`: anything else; nothing was stored.
 */
export type DatabaseErrorKind =
  | 'unavailable'
  | 'outcome_unknown'
  | 'duplicate_key'
  | 'refused'
  | 'expectation_failed'
  | 'full'
  | 'timeout'
  | 'failed';

export class DatabaseError extends Error {
  readonly kind: DatabaseErrorKind;
  /** SQLSTATE, when the database said one. */
  readonly code: string | undefined;
  /** The constraint or the step, for logs. */
  readonly where: string | undefined;
  constructor(kind: DatabaseErrorKind, message: string, more: { code?: string; where?: string; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.name = 'DatabaseError';
    this.kind = kind;
    this.code = more.code;
    this.where = more.where;
  }
}

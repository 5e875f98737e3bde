/** What the main thread and PGlite's thread say to each other. Bytes are moved, not copied. */

/** `run`: messages of PostgreSQL's protocol; those that write are refused when the disk is all but full. `commit`: a transaction's steps, then COMMIT if all went as expected. */
export type Request =
  | { readonly id: number; readonly kind: 'run'; readonly bytes: Uint8Array; readonly writes: boolean }
  | {
      readonly id: number;
      readonly kind: 'commit';
      readonly bytes: Uint8Array;
      /** For each statement after BEGIN, the rows that it has to return; null: any number. */
      readonly expectRows: readonly (number | null)[];
    }
  /** Answered by the end of the thread. */
  | { readonly id: number; readonly kind: 'close' };

/** `answer`: what the server said, in pieces; none when the request was refused. Reply 0 says that the database is open. */
export type Reply = { readonly id: number; readonly answer: readonly Uint8Array[]; readonly refused?: 'full' };

/** Given to the thread when it starts. */
export type WorkerSettings = { readonly folder: string; readonly diskFloorMiB: number };

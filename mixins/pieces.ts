/**
 * Reads the rows of a page in pieces, until the page is full, by its items or by its bytes: so what is in memory is bounded, however large the
 * rows are. A process reads few pages at once; who comes later waits.
 */
import type { Database } from '../adapters/database/database.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Limits } from '../contracts/limits.ts';

/** What one query gave. `reach`: it looked no further than there, though more may fit behind it. */
export type Piece<Row, Reach = never> = { readonly rows: readonly Row[]; readonly reach?: Reach };

export type Pieces<Row, Reach = never> = {
  /** The largest row that there may be, so that a piece is not much larger than a page. */
  readonly rowMaxBytes: number;
  /** About: as JSON text. */
  readonly bytesOf: (row: Row) => number;
  /** The next ones, at most `limit`, after the row that was the last one. */
  readonly read: (last: Row | undefined, limit: number) => Promise<Piece<Row, Reach>>;
};

/** `rows` has one more than `size` when there is more: what `pageOf` takes. */
export type PageRows<Row, Reach = never> = {
  readonly rows: readonly Row[];
  readonly size: number;
  readonly reach?: Reach;
};

type PageLimits = Pick<Limits, 'pageMaxBytes' | 'listsUnderWay' | 'listsWaiting'>;

/** A piece may be as large as this many full pages: fewer queries, for some memory. */
const PAGES_OF_A_PIECE = 4;

/** How many rows are read at once, of which one may be as large as `rowMaxBytes`. */
export const pieceRows = (pageMaxBytes: number, rowMaxBytes: number): number =>
  Math.max(1, Math.floor((PAGES_OF_A_PIECE * pageMaxBytes) / rowMaxBytes));

/** Reads a page when it is its turn. Rejects with `overloaded` when too many wait already. */
export const inTurn = <T>(database: Database, limits: PageLimits, read: () => Promise<T>): Promise<T> =>
  turnsOf(database, limits).run(read);

/** Rejects with `overloaded` when too many wait already. */
export function readPieces<Row, Reach = never>(
  database: Database,
  limits: PageLimits,
  size: number,
  pieces: Pieces<Row, Reach>,
): Promise<PageRows<Row, Reach>> {
  return inTurn(database, limits, () => readAll(limits.pageMaxBytes, size, pieces));
}

async function readAll<Row, Reach>(
  pageMaxBytes: number,
  size: number,
  { rowMaxBytes, bytesOf, read }: Pieces<Row, Reach>,
): Promise<PageRows<Row, Reach>> {
  const most = pieceRows(pageMaxBytes, rowMaxBytes);
  const rows: Row[] = [];
  let bytes = 0;
  for (;;) {
    const limit = Math.min(most, size + 1 - rows.length);
    const piece = await read(rows.at(-1), limit);
    for (const row of piece.rows) {
      bytes += bytesOf(row);
      rows.push(row);
      // The first one is shown however large it is: otherwise nobody came past it.
      if (bytes > pageMaxBytes && rows.length > 1) return { rows, size: rows.length - 1 };
    }
    if (rows.length > size) return { rows, size };
    if (piece.rows.length < limit) return { rows, size, ...(piece.reach !== undefined && { reach: piece.reach }) };
  }
}

/** Of a process, which has one database. */
const turns = new WeakMap<Database, Turns>();
function turnsOf(database: Database, limits: PageLimits): Turns {
  const its = turns.get(database) ?? new Turns(limits.listsUnderWay, limits.listsWaiting);
  turns.set(database, its);
  return its;
}

class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #waitingMax: number;
  #free: number;

  constructor(underWay: number, waitingMax: number) {
    this.#free = underWay;
    this.#waitingMax = waitingMax;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) throw new SkeinError('overloaded', 'Too many lists are asked for');
    return new Promise(resolve => this.#waiting.push(resolve));
  }
}

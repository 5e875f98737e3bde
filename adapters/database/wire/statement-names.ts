import { DatabaseError } from '../database.ts';

/** The prepared statements of one session. Bounded: each costs memory in the server for as long as the session lives. */
const STATEMENTS_MAX = 100;

export class StatementNames {
  readonly #names = new Map<string, string>();
  #count = 0;

  /** Those of `sqls` that have no name yet. The others become the newest, so that none of them has to make room. */
  missing(sqls: readonly string[]): string[] {
    const wanted = new Set(sqls);
    if (wanted.size > STATEMENTS_MAX)
      throw new DatabaseError('failed', `More than ${STATEMENTS_MAX} different statements in one transaction`);
    const missing: string[] = [];
    for (const sql of wanted) {
      const name = this.#names.get(sql);
      if (name === undefined) missing.push(sql);
      else if (this.#names.delete(sql)) this.#names.set(sql, name);
    }
    return missing;
  }

  /** The name of a statement that was added. */
  of(sql: string): string {
    const name = this.#names.get(sql);
    if (name === undefined) throw new Error(`Not prepared: ${sql}`);
    return name;
  }

  /** A name for `sql`, and the name of the oldest statement when that had to make room. */
  add(sql: string): { name: string; replaced: string | undefined } {
    let replaced: string | undefined;
    if (this.#names.size >= STATEMENTS_MAX) {
      const [oldest, name] = this.#names.entries().next().value!;
      this.#names.delete(oldest);
      replaced = name;
    }
    const name = `s${++this.#count}`;
    this.#names.set(sql, name);
    return { name, replaced };
  }

  /** After the session has forgotten them all. */
  clear(): void {
    this.#names.clear();
  }
}

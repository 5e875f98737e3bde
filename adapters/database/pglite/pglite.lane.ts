import type { Lane, Row, Step } from '../database.ts';
import { Turnstile } from '../turnstile.ts';

/** Commits that wait for their turn: a host gathers while one is under way, so more than a few is a mistake. */
const WAITING_MAX = 64;

/** A lane on PGlite: the session is shared, so what a lane adds is its own order, one transaction at a time. */
export class PgliteLane implements Lane {
  readonly #commit: Lane['commit'];
  readonly #turnstile: Turnstile;

  constructor(name: string, commit: Lane['commit']) {
    this.#commit = commit;
    this.#turnstile = new Turnstile(`Lane ${name}`, 1, WAITING_MAX);
  }

  commit(steps: readonly Step[]): Promise<Row[][]> {
    return this.#turnstile.exclusive(() => this.#commit(steps));
  }

  close(): Promise<void> {
    return this.#turnstile.close();
  }
}

/** One connection of a process to the database. */
import { StoreError } from '../../contracts/store.ts';
import type { Answer, ServerEnd, SimDatabase } from './sim-database.ts';
import type { SimLink } from './sim-link.ts';

export class StoreConnection {
  readonly #database: SimDatabase;
  readonly #link: SimLink;
  readonly #end: ServerEnd;
  #isAccepted = false;
  /** Fails what waits for an answer. */
  #waiting: ((refused: boolean) => void) | null = null;
  isBroken = false;

  constructor(database: SimDatabase, link: SimLink) {
    this.#database = database;
    this.#link = link;
    this.#end = {
      isOpen: true,
      isKilled: false,
      transaction: null,
      reset: () => link.in.send(() => this.#broke(false)),
    };
  }

  /**
   * Sends something and waits for its answer.
   *
   * @param lost what it means when no answer comes
   */
  request<T>(
    lost: () => StoreError,
    work: (end: ServerEnd, answer: (it: Answer<T>) => void) => void,
    loseReply = false,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting = refused => reject(refused ? new StoreError('unavailable', 'connection refused') : lost());
      const answer = (it: Answer<T>): void => {
        if (loseReply) {
          this.#database.hangUp(this.#end);
          return this.#end.reset();
        }
        this.#link.in.send(() => {
          if (this.#waiting === null) return;
          this.#waiting = null;
          if ('error' in it) reject(it.error);
          else resolve(it.value);
        });
      };
      this.#link.out.send(() => this.#arrived(() => work(this.#end, answer)));
    });
  }

  #arrived(work: () => void): void {
    if (!this.#isAccepted) {
      this.#isAccepted = this.#database.accept(this.#end);
      if (!this.#isAccepted) return this.#link.in.send(() => this.#broke(true));
    }
    if (this.#end.isOpen) work();
    else this.#end.reset();
  }

  /** The client has had enough: what it sent still arrives, and then its end. */
  close(): void {
    this.#broke(false);
    this.#link.out.send(() => this.#database.hangUp(this.#end));
  }

  #broke(refused: boolean): void {
    this.isBroken = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(refused);
  }
}

/**
 * Lets work through in the order in which it came: shared work several at once, exclusive work alone. Bounded: what would
 * wait behind too much is refused.
 */
import { DatabaseError } from './database.ts';

type Waiting = { readonly exclusive: boolean; readonly start: () => Promise<void> };

export class Turnstile {
  readonly #atOnce: number;
  readonly #maxWaiting: number;
  readonly #name: string;
  readonly #waiting: Waiting[] = [];
  readonly #whenIdle: (() => void)[] = [];
  #running = 0;
  #exclusive = false;
  #closed = false;

  /** `atOnce`: shared work under way at the same time. `maxWaiting`: work that waits for its turn. */
  constructor(name: string, atOnce: number, maxWaiting: number) {
    this.#name = name;
    this.#atOnce = atOnce;
    this.#maxWaiting = maxWaiting;
  }

  shared<T>(work: () => Promise<T>): Promise<T> {
    return this.#enter(false, work);
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#enter(true, work);
  }

  /** Refuses new work, and waits for the end of all that was let in. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>(resolve => this.#whenIdle.push(resolve));
  }

  #enter<T>(exclusive: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new DatabaseError('unavailable', `${this.#name} is closed`));
    if (this.#waiting.length >= this.#maxWaiting)
      return Promise.reject(
        new DatabaseError('unavailable', `${this.#name} is overloaded: ${this.#maxWaiting} requests wait already`),
      );
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ exclusive, start: () => work().then(resolve, reject) });
      this.#next();
    });
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (this.#exclusive || this.#running >= (first.exclusive ? 1 : this.#atOnce)) return;
      this.#waiting.shift();
      this.#running++;
      this.#exclusive = first.exclusive;
      void first.start().finally(() => this.#leave());
    }
    if (this.#running === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #leave(): void {
    this.#running--;
    this.#exclusive = false;
    this.#next();
  }
}

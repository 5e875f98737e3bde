/** Answers that are streamed: each keeps a piece of what it reads in memory for as long as its client takes, so there are only so many. */
import { Readable } from 'node:stream';
import { SkeinError } from '../../contracts/errors.ts';

export class AnswerStreams {
  readonly #most: number;
  #underWay = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Counts a body that is a stream, until it is closed. Throws `overloaded` when there are too many; then the body is closed. */
  take(body: unknown): void {
    if (!(body instanceof Readable)) return;
    if (this.#underWay >= this.#most) {
      body.destroy();
      throw new SkeinError(
        'overloaded',
        `There are ${this.#most} streamed answers under way; ask again when some have ended`,
      );
    }
    this.#underWay++;
    body.once('close', () => {
      this.#underWay--;
    });
  }
}

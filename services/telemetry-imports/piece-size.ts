/** How much of a file goes into one transaction: as many datapoints as it may have, and fewer where that takes too long. */

/** Lanes wait for no longer than this, mostly. */
const SLOW_MS = 400;

export class PieceSize {
  readonly #sizes: { readonly first: number; readonly least: number; readonly most: number };
  readonly #pointsMax: number;
  #points: number;
  #size: number;

  /** @param sizes in what the source counts */
  constructor(sizes: { readonly first: number; readonly least: number; readonly most: number }, pointsMax: number) {
    this.#sizes = sizes;
    this.#pointsMax = pointsMax;
    this.#points = pointsMax;
    this.#size = sizes.first;
  }

  get next(): number {
    return this.#size;
  }

  /** A piece of this size had so many datapoints, and took so long. */
  took(ms: number, size: number, points: number): void {
    if (ms > SLOW_MS) this.#points = Math.max(1, this.#points / 2);
    else this.#points = Math.min(this.#pointsMax, this.#points * 1.2);
    const perPoint = size / Math.max(1, points);
    // No more than twice as large as the one before: what comes may be denser.
    this.#set(Math.min(2 * size, this.#points * perPoint));
  }

  tooLarge(): void {
    this.#points = Math.max(1, this.#points / 2);
    this.#set(this.#size / 2);
  }

  #set(size: number): void {
    this.#size = Math.round(Math.min(this.#sizes.most, Math.max(this.#sizes.least, size)));
  }
}

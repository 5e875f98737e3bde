/** How many hours the next transaction takes: as many as fit into the time for which others may wait. */
export class FoldingPace {
  readonly #most: number;
  readonly #targetMs: number;
  #size = 50;

  constructor(most: number, targetMs: number) {
    this.#most = most;
    this.#targetMs = targetMs;
  }

  get size(): number {
    return Math.min(this.#size, this.#most);
  }

  /** Series differ by orders of magnitude, so it grows by and by and shrinks at once. */
  took(ms: number, hours: number): void {
    if (ms > this.#targetMs) this.#size = Math.max(1, Math.floor((Math.min(this.#size, hours) * this.#targetMs) / ms));
    else if (ms < this.#targetMs / 2 && hours >= this.size) this.#size = Math.min(this.size * 2, this.#most);
  }

  /** False: it was one hour only, so it is not for want of time. */
  shrink(hours: number): boolean {
    this.#size = Math.max(1, Math.floor(Math.min(this.#size, hours) / 8));
    return hours > 1;
  }
}

/** While the store of blobs can't be reached it is not asked again at once: each time after twice as long. */
const FIRST_MS = 60_000;
const LONGEST_MS = 1_800_000;

export class StorePause {
  #untilMs = 0;
  #nextMs = FIRST_MS;

  get isOver(): boolean {
    return performance.now() >= this.#untilMs;
  }

  /** Answers how long it is, in milliseconds. */
  begin(): number {
    const ms = this.#nextMs;
    this.#untilMs = performance.now() + ms;
    this.#nextMs = Math.min(ms * 2, LONGEST_MS);
    return ms;
  }

  /** The store does what it should. */
  end(): void {
    this.#nextMs = FIRST_MS;
  }
}

/** Keeps away from a server that failed a short while ago: one that hangs costs one time limit in a second, not in each request. */
const PAUSE_MS = 1_000;

export class Pause {
  readonly #clock: { now(): number };
  #untilMs = Number.NEGATIVE_INFINITY;

  /** `clock` is a monotonic one in milliseconds. */
  constructor(clock: { now(): number } = performance) {
    this.#clock = clock;
  }

  get over(): boolean {
    return this.#clock.now() >= this.#untilMs;
  }

  /** What `work` answers; undefined when it fails, or failed less than a second ago. Never rejects. */
  async unless<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!this.over) return undefined;
    try {
      return await work();
    } catch {
      this.#untilMs = this.#clock.now() + PAUSE_MS;
      return undefined;
    }
  }
}

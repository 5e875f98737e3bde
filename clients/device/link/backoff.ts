/**
 * How long to wait before the next connect: full jitter, so that a fleet that lost its server together does not come back together.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export type BackoffOptions = {
  readonly minMs: number;
  readonly maxMs: number;
  /** From 0 up to 1, 1 excluded. */
  readonly random: () => number;
};

export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  nextMs(): number {
    const { minMs, maxMs, random } = this.#options;
    const ceilingMs = Math.min(maxMs, minMs * 2 ** Math.min(this.#failures++, 30));
    return Math.round(random() * ceilingMs);
  }

  reset(): void {
    this.#failures = 0;
  }
}

/**
 * A token bucket in one number: the generic cell rate algorithm (ITU-T I.371, appendix A). `#dueMs` is when the bucket would
 * be full again; each message moves it on by the interval of the rate.
 */
export class Pace {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  readonly #maxDelayMs: number;
  #dueMs: number;

  /** @param dueMs the state of an earlier connection of the same device, so that connecting anew buys no new burst */
  constructor(messagesPerSecond: number, burstMessages: number, maxDelaySeconds: number, dueMs = 0) {
    this.#intervalMs = 1000 / messagesPerSecond;
    this.#burstMs = burstMessages * this.#intervalMs;
    this.#maxDelayMs = maxDelaySeconds * 1000;
    this.#dueMs = dueMs;
  }

  /**
   * Takes a token. Returns how long its message must wait: 0 or less, not at all; Infinity, longer than allowed (no token
   * is taken then).
   */
  take(nowMs: number): number {
    const dueMs = Math.max(this.#dueMs, nowMs) + this.#intervalMs;
    const waitMs = dueMs - nowMs - this.#burstMs;
    if (waitMs > this.#maxDelayMs) return Number.POSITIVE_INFINITY;
    this.#dueMs = dueMs;
    return waitMs;
  }

  /** To be handed to the constructor of the device's next connection. */
  get dueMs(): number {
    return this.#dueMs;
  }
}

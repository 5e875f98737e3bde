/** How long one device waited for its PUBACKs since the last mark. */
export class DeviceWaits {
  acknowledged = 0;
  longestWaitMs = 0;
  #longestGapMs = 0;
  #markMs = 0;
  #lastAckMs = 0;

  mark(nowMs: number): void {
    this.#markMs = this.#lastAckMs = nowMs;
    this.#longestGapMs = this.longestWaitMs = 0;
  }

  acknowledge(intendedMs: number, nowMs: number): void {
    this.acknowledged++;
    this.#longestGapMs = this.longestGapMs(nowMs);
    this.#lastAckMs = nowMs;
    this.waited(intendedMs, nowMs);
  }

  /** A message that was sent or due at `intendedMs` waited until now. What was before the mark does not count. */
  waited(intendedMs: number, nowMs: number): void {
    this.longestWaitMs = Math.max(this.longestWaitMs, nowMs - Math.max(intendedMs, this.#markMs));
  }

  /** The gap that is not over yet counts too. */
  longestGapMs(nowMs: number): number {
    return Math.max(this.#longestGapMs, nowMs - this.#lastAckMs);
  }
}

/** What happened in a simulated world, as a number that differs when anything differs, and as lines when somebody reads them. */
export class Trace {
  readonly #keepLines: number;
  readonly #nowMs: () => number;
  #hash = 0x811c9dc5;
  #events = 0;
  #lines: string[] = [];

  /** @param keepLines how many of the last lines are kept; 0: only the hash */
  constructor(nowMs: () => number, keepLines: number) {
    this.#nowMs = nowMs;
    this.#keepLines = keepLines;
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, '0');
  }

  get events(): number {
    return this.#events;
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keepLines);
  }

  note(who: string, what: string): void {
    this.#events++;
    const nowMs = this.#nowMs();
    this.#mix(Math.round(nowMs * 1_000) | 0);
    for (let i = 0; i < who.length; i++) this.#mix(who.charCodeAt(i));
    for (let i = 0; i < what.length; i++) this.#mix(what.charCodeAt(i));
    if (this.#keepLines === 0) return;
    this.#lines.push(`${(nowMs / 1_000).toFixed(4).padStart(9)} ${who.padEnd(10)} ${what}`);
    if (this.#lines.length >= 2 * this.#keepLines) this.#lines = this.#lines.slice(-this.#keepLines);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193) >>> 0;
  }
}

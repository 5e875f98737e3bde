/** Things that wait for their time, in the order in which they came. What is put in later is never due earlier. */
export class DelayLine<T> {
  readonly #release: (item: T) => void;
  readonly #now: () => number;
  #items: { readonly item: T; readonly dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(release: (item: T) => void, now: () => number) {
    this.#release = release;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  push(item: T, dueMs: number): void {
    this.#items.push({ item, dueMs });
    if (this.#timer === undefined) this.#arm();
  }

  /** Forgets all that waits. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items = [];
  }

  #arm(): void {
    const head = this.#items[0];
    this.#timer = head && setTimeout(() => this.#turn(head.dueMs), Math.max(1, Math.ceil(head.dueMs - this.#now())));
  }

  /** A timer may fire late: everything that is due by now goes at once. The head goes in any case. */
  #turn(headDueMs: number): void {
    this.#timer = undefined;
    const untilMs = Math.max(headDueMs, this.#now());
    const later = this.#items.findIndex(waiting => waiting.dueMs > untilMs);
    const due = this.#items.splice(0, later === -1 ? this.#items.length : later);
    if (this.#items.length > 0) this.#arm();
    for (const { item } of due) this.#release(item);
  }
}

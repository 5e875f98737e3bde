/** The time of a simulated world: a queue of events, by time and then by the order in which they were asked for. */

/** Whoever has events: the life of one process. What is not a process never pauses and never dies. */
export class Life {
  #state: 'running' | 'paused' | 'dead' = 'running';
  /** What came while it was paused, in order. */
  #late: (() => void)[] = [];

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** Answers what has to happen now, all at once. */
  resume(): (() => void)[] {
    if (this.#state !== 'paused') return [];
    this.#state = 'running';
    return this.#late.splice(0);
  }

  die(): void {
    this.#state = 'dead';
    this.#late = [];
  }

  /** Whether the work is to be done now; if not, it comes late or never. */
  admits(work: () => void): boolean {
    if (this.#state === 'paused') this.#late.push(work);
    return this.#state === 'running';
  }
}

type Event = { readonly atMs: number; readonly order: number; readonly life: Life | null; work: (() => void) | null };

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

export class SimClock {
  /** Milliseconds since the beginning of this world. */
  nowMs = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  get waiting(): number {
    return this.#heap.length;
  }

  /** `work` happens this much later, unless the answer is called before. */
  after(delayMs: number, life: Life | null, work: () => void): () => void {
    const event: Event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, life, work };
    this.#push(event);
    return () => {
      event.work = null;
    };
  }

  /** Lets things happen one after the other, until that time, or until `isOver` says so after one of them. */
  run(untilMs: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          const event = this.#next(untilMs);
          if (event === undefined) {
            this.nowMs = untilMs;
            return resolve();
          }
          event();
          if (isOver()) return resolve();
        } catch (error) {
          return reject(error);
        }
        // A tick asked for by a microtask runs when all microtasks have run: what the event caused is over then. A turn of the
        // event loop would do the same and take ten times as long.
        queueMicrotask(() => process.nextTick(step));
      };
      step();
    });
  }

  /** The next thing that really happens. */
  #next(untilMs: number): (() => void) | undefined {
    for (let event = this.#heap[0]; event !== undefined && event.atMs <= untilMs; event = this.#heap[0]) {
      this.#pop();
      if (event.work === null) continue;
      this.nowMs = event.atMs;
      // It may be cancelled while its process is paused.
      const work = () => event.work?.();
      if (event.life === null || event.life.admits(work)) return work;
    }
    return undefined;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

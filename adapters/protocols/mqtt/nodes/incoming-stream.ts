/** What comes from one other node: finds out what is missing. Pure. */
import type { StreamHead } from '../../../../contracts/mqtt.contract.ts';

/** Whose messages may have been missed: of these tenants, or of any. */
export type Missed = readonly string[] | 'all';
export const NOTHING_MISSED: Missed = Object.freeze([]);

export class IncomingStream {
  /** Undefined: there is none, and the one before it ended well or its loss was dealt with. */
  #stream: number | undefined;
  /** The newest that ever was. */
  #newest = 0;
  #next = 0;
  #losses = 0;

  /** The batch that is to come next. */
  get next(): number {
    return this.#next;
  }

  /** What a head tells that the ones before it did not. */
  heard(head: StreamHead): Missed {
    if (head.stream < this.#newest) return NOTHING_MISSED;
    const losses = head.lost.reduce((highest, [, number]) => Math.max(highest, number), 0);
    if (head.stream !== this.#stream) {
      const isComplete = this.#stream === undefined && head.whole && head.oldest === 0 && losses === 0;
      this.#stream = head.stream;
      this.#newest = head.stream;
      this.#next = head.oldest;
      this.#losses = losses;
      return isComplete ? NOTHING_MISSED : 'all';
    }
    const known = this.#losses;
    const tenants = head.lost.filter(([, number]) => number > known).map(([tenant]) => tenant);
    this.#losses = Math.max(known, losses);
    const isGap = head.oldest > this.#next;
    this.#next = Math.max(this.#next, head.oldest);
    // A gap without a reason ought not to be; it would be silent otherwise.
    return isGap && tenants.length === 0 ? 'all' : tenants;
  }

  /** Whether this batch is to be taken: not one of an older stream, not twice, and not before its turn. */
  take({ stream }: StreamHead, sequence: number): boolean {
    if (stream !== this.#stream || sequence !== this.#next) return false;
    this.#next++;
    return true;
  }

  /** The node said that nothing more comes. */
  ended(): void {
    this.#stream = undefined;
  }

  /** The node is gone without a word. What it had for us by then, nobody knows. */
  lost(): Missed {
    if (this.#stream === undefined) return NOTHING_MISSED;
    this.#stream = undefined;
    return 'all';
  }
}

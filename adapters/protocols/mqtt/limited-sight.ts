/**
 * Between the messages of a tenant and an application whose roles are limited to some devices. What is not known yet is looked up, and all
 * that comes behind waits for it, in order and up to so many bytes. What can not be looked up is not seen.
 */
import type { Message } from './audience.ts';

export type LimitedSightOptions = {
  /** Known, or to be known. */
  readonly fits: (device: string, limit: string) => boolean | Promise<boolean>;
  /** Null: all devices; undefined: none. */
  readonly limitOf: (topic: string) => string | null | undefined;
  readonly maxBytes: number;
  readonly seen: Seen;
  /** It could not be found out whether a message may be seen. */
  readonly failed: () => void;
};
type Seen = (message: Message, qos: 0 | 1 | 2, identifiers: readonly number[]) => void;
type Waiting = {
  readonly message: Message;
  readonly qos: 0 | 1 | 2;
  readonly identifiers: readonly number[];
  readonly cost: number;
  /** Undefined: it is being looked up. */
  isSeen: boolean | undefined;
};
/** What a small message costs beside its bytes. */
const OVERHEAD_BYTES = 256;
const ROOT = 'devices/';

export class LimitedSight {
  readonly #options: LimitedSightOptions;
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(options: LimitedSightOptions) {
    this.#options = options;
  }

  /** False: too much waits, and this one is lost. */
  push(message: Message, qos: 0 | 1 | 2, identifiers: readonly number[]): boolean {
    const verdict = this.#verdict(message.topic);
    if (typeof verdict === 'boolean' && this.#waiting.length === 0) {
      if (verdict) this.#options.seen(message, qos, identifiers);
      return true;
    }
    const cost = message.payload.length + message.topic.length + OVERHEAD_BYTES;
    if (this.#bytes + cost > this.#options.maxBytes) return verdict === false;
    this.#bytes += cost;
    const waiting: Waiting = { message, qos, identifiers, cost, isSeen: undefined };
    this.#waiting.push(waiting);
    if (typeof verdict === 'boolean') waiting.isSeen = verdict;
    else
      void verdict.then(
        isSeen => this.#settled(waiting, isSeen),
        () => this.#failed(waiting),
      );
    return true;
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  #verdict(topic: string): boolean | Promise<boolean> {
    const limit = this.#options.limitOf(topic);
    if (limit === undefined) return false;
    if (limit === null) return true;
    const slash = topic.indexOf('/', ROOT.length);
    return this.#options.fits(topic.slice(ROOT.length, slash === -1 ? topic.length : slash), limit);
  }

  #failed(waiting: Waiting): void {
    this.#options.failed();
    this.#settled(waiting, false);
  }

  #settled(waiting: Waiting, isSeen: boolean): void {
    waiting.isSeen = isSeen;
    const until = this.#waiting.findIndex(it => it.isSeen === undefined);
    for (const it of this.#waiting.splice(0, until === -1 ? this.#waiting.length : until)) {
      this.#bytes -= it.cost;
      if (it.isSeen) this.#options.seen(it.message, it.qos, it.identifiers);
    }
  }
}

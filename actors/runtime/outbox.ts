import { errorTypeOf, SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import { type Batch, type Outcome, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import type { Owner, ShardMap } from '../placement/shard-map.ts';
import { WINDOW_PER_BATCH_UNDER_WAY } from './intake.ts';
import { type Clock, pause, type Random, type Scheduler } from './ports.ts';
import type { Item } from './shard-line.ts';

export type OutboxParts = {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly limits: Limits;
  readonly instanceId: InstanceId;
  readonly shards: ShardMap;
  readonly owner: Owner;
  readonly deliver: (batch: Batch) => Promise<Outcome[]>;
  readonly isSevered: (uplink: Uplink) => boolean;
  /** Whether earlier uplinks of its shard came back and wait: then it waits behind them. */
  readonly isHeld: (item: Item) => boolean;
  readonly settled: (item: Item, outcome: Outcome) => void;
  /** The owner did nothing with it, so it may be sent to another. */
  readonly bounced: (item: Item) => void;
};

type Sending = { readonly batch: Batch; readonly items: readonly Item[]; readonly untilMs: number; maybeDone: boolean };

/** `bounced`: nothing was done. Undefined: nobody knows what became of it. */
type Outcomes = readonly Outcome[] | 'bounced' | undefined;

const RETRY_MS = 100;
/** The owner forgets streams that are silent for longer than this by far. */
const STREAM_IDLE_MS = 30_000;

/**
 * What waits for one owner. A few batches are under way, so that the pipe is never empty; the next one gathers meanwhile.
 * Batches are numbered, and one without an answer is sent again as it was: its owner knows it by its number.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  #queue: Item[] = [];
  #stream = '';
  #next = 0;
  /** In the order of their numbers. */
  readonly #unanswered = new Set<number>();
  readonly #answered = new Map<number, () => void>();
  readonly #waiting = new Set<() => void>();
  #isBroken = true;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #asked = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#unanswered.size === 0;
  }

  add(item: Item): void {
    this.#queue.push(item);
    this.#ask();
  }

  /** From an owner that is gone no answer is waited for, and what waits for it is given back. */
  look(): void {
    if (this.isIdle || !this.#parts.shards.isGone(this.#parts.owner.instance)) return;
    for (const giveUp of this.#waiting) giveUp();
    for (const item of this.#queue.splice(0)) this.#parts.bounced(item);
  }

  #ask(): void {
    if (this.#asked || !this.#maySend()) return;
    this.#asked = true;
    const send = () => {
      this.#asked = false;
      if (this.#maySend()) this.#send();
    };
    const waitMs = this.#gatherMs();
    if (waitMs > 0) this.#parts.scheduler.after(waitMs, send);
    else this.#parts.scheduler.soon(send);
  }

  /** A batch for another node leaves at once after a pause, and else when some have gathered. */
  #gatherMs(): number {
    const { clock, limits, owner, instanceId } = this.#parts;
    if (owner.instance === instanceId || this.#queue.length >= limits.batchMaxMessages) return 0;
    return this.#sentAtMs + limits.batchGatherMs - clock.elapsedMs();
  }

  #maySend(): boolean {
    if (this.#queue.length === 0) return false;
    const { batchesUnderWay } = this.#parts.limits;
    const { size } = this.#unanswered;
    // After a batch was given up the others of its stream end first, so that nothing is overtaken.
    if (this.#isBroken) return size === 0;
    if (size === 0) return true;
    const [oldest] = this.#unanswered;
    return size < batchesUnderWay && this.#next - oldest! < batchesUnderWay * WINDOW_PER_BATCH_UNDER_WAY;
  }

  #send(): void {
    const items = this.#takeBatch();
    if (items.length === 0) return;
    const { clock, limits, random, instanceId, owner } = this.#parts;
    const elapsedMs = clock.elapsedMs();
    if (this.#isBroken || (this.#unanswered.size === 0 && elapsedMs - this.#sentAtMs > STREAM_IDLE_MS)) {
      this.#stream = `${instanceId}/${random.uuid()}`;
      this.#next = 0;
      this.#isBroken = false;
    }
    this.#sentAtMs = elapsedMs;
    const leftMs = limits.commitPatienceSeconds * 1_000 - (elapsedMs - items[0]!.sinceMs);
    const batch: Batch = {
      instance: owner.instance,
      stream: this.#stream,
      sequence: this.#next++,
      deadlineMs: clock.nowMs() + leftMs,
      uplinks: items.map(item => item.uplink),
      epochs: items.map(item => item.epoch),
    };
    this.#unanswered.add(batch.sequence);
    this.#ask();
    void this.#deliver({ batch, items, untilMs: elapsedMs + leftMs, maybeDone: false });
  }

  async #deliver(sending: Sending): Promise<void> {
    const outcomes = await this.#outcomes(sending);
    if (outcomes === undefined || outcomes === 'bounced') this.#isBroken = true;
    this.#answered.set(sending.batch.sequence, () => this.#settle(sending.items, outcomes));
    // A device hears of its messages in their order [MQTT-4.6.0-2], so an answer waits for those of earlier batches.
    for (const sequence of this.#unanswered) {
      const settle = this.#answered.get(sequence);
      if (settle === undefined) break;
      this.#answered.delete(sequence);
      this.#unanswered.delete(sequence);
      settle();
    }
    this.#ask();
  }

  #settle(items: readonly Item[], outcomes: Outcomes): void {
    const { settled, bounced } = this.#parts;
    for (let i = 0; i < items.length; i++) {
      const outcome = outcomes === 'bounced' ? undefined : (outcomes?.[i] ?? UNKNOWN);
      if (outcome === undefined || outcome.state === 'moved' || outcome.state === 'not_owner') bounced(items[i]!);
      else settled(items[i]!, outcome);
    }
  }

  async #outcomes(sending: Sending): Promise<Outcomes> {
    const { clock, scheduler, shards, owner } = this.#parts;
    for (;;) {
      try {
        return await this.#answer(sending.batch);
      } catch (error) {
        const type = (error as { type?: unknown }).type === 'unreachable' ? 'unreachable' : errorTypeOf(error);
        if (type === 'not_owner' || type === 'expired') return sending.maybeDone ? undefined : 'bounced';
        if (type !== 'unreachable') sending.maybeDone = true;
      }
      await pause(scheduler, RETRY_MS);
      if (shards.isGone(owner.instance) || clock.elapsedMs() >= sending.untilMs || this.#hasMoved(sending))
        return sending.maybeDone ? undefined : 'bounced';
    }
  }

  /** What the owner says. Rejects when it is gone; a call between nodes would only notice by its time limit. */
  #answer(batch: Batch): Promise<Outcome[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    const giveUp = () => reject(new SkeinError('unknown_outcome', 'Its owner is gone'));
    this.#waiting.add(giveUp);
    this.#parts.deliver(batch).then(resolve, reject);
    return promise.finally(() => this.#waiting.delete(giveUp));
  }

  /** The owner gave shards away and did not answer: it is not to be reached, and will never say what it did. */
  #hasMoved({ items }: Sending): boolean {
    return items.some(({ uplink, epoch }) => this.#parts.shards.epochOf(uplink.address.shard) > epoch);
  }

  /** In order, without those that are settled already, because their session was cut off, and those that have to wait. */
  #takeBatch(): Item[] {
    const { batchMaxMessages, batchMaxBytes, commitPatienceSeconds } = this.#parts.limits;
    const { isSevered, isHeld, settled, bounced, clock } = this.#parts;
    const oldestMs = clock.elapsedMs() - commitPatienceSeconds * 1_000;
    const queue = this.#queue;
    const items: Item[] = [];
    let bytes = 0;
    let end = 0;
    while (end < queue.length && items.length < batchMaxMessages && bytes < batchMaxBytes) {
      const item = queue[end++]!;
      if (item.sinceMs <= oldestMs || isSevered(item.uplink)) {
        settled(item, UNKNOWN);
        continue;
      }
      if (isHeld(item)) {
        bounced(item);
        continue;
      }
      bytes += item.uplink.payload.byteLength;
      items.push(item);
    }
    this.#queue = end === queue.length ? [] : queue.slice(end);
    return items;
  }
}

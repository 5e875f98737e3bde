import { SHARDS } from '../../contracts/addresses.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import { type Batch, type Ingress, type Outcome, OVERLOADED, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import type { Owner, ShardMap } from '../placement/shard-map.ts';
import { Outbox } from './outbox.ts';
import type { Clock, Random, Scheduler } from './ports.ts';
import { Severed } from './severed.ts';
import { type Item, ShardLine } from './shard-line.ts';
import type { Settle } from './slot.ts';

export type RouterParts = {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly limits: Limits;
  readonly instanceId: InstanceId;
  readonly shards: ShardMap;
  /**
   * Hands a batch to the owner's intake: one outcome for each uplink. Rejects with an error whose `type` is `unreachable` when
   * it was not sent, `not_owner` or `expired` when the owner said so; anything else: nobody knows.
   */
  readonly deliver: (owner: Owner, batch: Batch) => Promise<Outcome[]>;
};

/** How often shards whose uplinks wait are looked at, when nothing is heard of a new owner before. */
const LOOK_MS = 100;

/** The way in: bounded, batched for each owner, and in order for each device, whatever moves meanwhile. */
export class Router implements Ingress {
  readonly #parts: RouterParts;
  readonly #lines = Array.from({ length: SHARDS }, () => new ShardLine());
  readonly #heldLines = new Set<number>();
  readonly #outboxes = new Map<InstanceId, Outbox>();
  readonly #severed = new Severed();
  #number = 0;
  #messages = 0;
  #bytes = 0;
  #refused = 0;
  #looking = false;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    parts.shards.onChange(() => this.#look());
  }

  receive(uplink: Uplink, settle: Settle): void {
    const { limits, clock } = this.#parts;
    if (this.#messages >= limits.ingressMaxMessages || this.#bytes >= limits.ingressMaxBytes) {
      this.#refused++;
      settle(OVERLOADED);
      return;
    }
    this.#messages++;
    this.#bytes += uplink.payload.byteLength;
    this.#route({ uplink, settle, number: this.#number++, sinceMs: clock.elapsedMs(), epoch: -1 });
  }

  load(): number {
    const { ingressMaxMessages, ingressMaxBytes } = this.#parts.limits;
    return Math.max(this.#messages / ingressMaxMessages, this.#bytes / ingressMaxBytes);
  }

  figures(): { underWay: number; underWayBytes: number; refused: number; shardsHeld: number } {
    const shardsHeld = this.#heldLines.size;
    return { underWay: this.#messages, underWayBytes: this.#bytes, refused: this.#refused, shardsHeld };
  }

  #route(item: Item): void {
    const { shard } = item.uplink.address;
    const line = this.#lines[shard]!;
    const owner = this.#parts.shards.ownerOf(shard);
    if (line.isOpenTo(owner)) this.#send(line, item, owner);
    else this.#hold(line, item);
  }

  #send(line: ShardLine, item: Item, owner: Owner): void {
    line.sent(item, owner);
    this.#outboxOf(owner).add(item);
  }

  #hold(line: ShardLine, item: Item): void {
    line.hold(item);
    this.#heldLines.add(item.uplink.address.shard);
    this.#lookSoon();
  }

  /** The owner did not take it: nothing of it was done. */
  #bounced(item: Item): void {
    const line = this.#lines[item.uplink.address.shard]!;
    line.returned();
    this.#hold(line, item);
  }

  #settled(item: Item, outcome: Outcome): void {
    this.#lines[item.uplink.address.shard]!.returned();
    this.#tell(item, outcome);
  }

  #tell({ uplink, settle }: Item, outcome: Outcome): void {
    const isLost = outcome.state === 'unknown' || outcome.state === 'overloaded';
    // What the same session sent after it must not be stored before it is sent again.
    if (isLost) this.#severed.cut(uplink, this.#parts.clock.elapsedMs());
    this.#messages--;
    this.#bytes -= uplink.payload.byteLength;
    settle(outcome.state === 'moved' || outcome.state === 'not_owner' ? UNKNOWN : outcome);
  }

  // What waits.

  #lookSoon(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#parts.scheduler.after(LOOK_MS, () => {
      this.#looking = false;
      this.#look();
      if (this.#heldLines.size > 0) this.#lookSoon();
    });
  }

  #look(): void {
    const { clock, limits, shards } = this.#parts;
    const patienceMs = limits.commitPatienceSeconds * 1_000;
    const nowMs = clock.elapsedMs();
    this.#severed.sweep(nowMs, 2 * patienceMs);
    for (const [instance, outbox] of this.#outboxes) {
      outbox.look();
      if (outbox.isIdle && shards.isGone(instance)) this.#outboxes.delete(instance);
    }
    for (const shard of this.#heldLines) {
      const line = this.#lines[shard]!;
      const isOver = (item: Item) => nowMs - item.sinceMs >= patienceMs || this.#severed.includes(item.uplink);
      for (const item of line.takeHeldIf(isOver)) this.#tell(item, UNKNOWN);
      const owner = shards.ownerOf(shard);
      if (owner) for (const item of line.takeHeld()) this.#send(line, item, owner);
      if (!line.isHeld) this.#heldLines.delete(shard);
    }
  }

  #outboxOf(owner: Owner): Outbox {
    const known = this.#outboxes.get(owner.instance);
    if (known) return known;
    const { deliver, ...parts } = this.#parts;
    const made = new Outbox({
      ...parts,
      owner,
      deliver: batch => deliver(owner, batch),
      isSevered: uplink => this.#severed.includes(uplink),
      isHeld: item => this.#lines[item.uplink.address.shard]!.isHeld,
      settled: (item, outcome) => this.#settled(item, outcome),
      bounced: item => this.#bounced(item),
    });
    this.#outboxes.set(owner.instance, made);
    return made;
  }
}

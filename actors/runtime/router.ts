import type { Limits } from '../../contracts/limits.ts';
import { type Ingress, type Outcome, OVERLOADED, type Uplink } from '../../contracts/uplinks.ts';
import { Outbox } from './outbox.ts';
import type { Scheduler } from './ports.ts';
import type { Settle } from './slot.ts';

/** A node that owns shards, as its Moleculer name. */
export type Owner = string;

export type RouterParts = {
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  readonly ownerOf: (shard: number) => Owner;
  /** Hands a batch to the owner's host: one outcome for each uplink. */
  readonly deliver: (owner: Owner, uplinks: readonly Uplink[]) => Promise<Outcome[]>;
};

/** The way in: bounded, and batched for each owner. Load makes batches larger, not latency longer. */
export class Router implements Ingress {
  readonly #parts: RouterParts;
  readonly #outboxes = new Map<Owner, Outbox>();
  #messages = 0;
  #bytes = 0;
  #refused = 0;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  receive(uplink: Uplink, settled: Settle): void {
    const { limits, ownerOf } = this.#parts;
    if (this.#messages >= limits.ingressMaxMessages || this.#bytes >= limits.ingressMaxBytes) {
      this.#refused++;
      settled(OVERLOADED);
      return;
    }
    this.#messages++;
    this.#bytes += uplink.payload.byteLength;
    this.#outboxOf(ownerOf(uplink.address.shard)).add(uplink, settled);
  }

  load(): number {
    const { ingressMaxMessages, ingressMaxBytes } = this.#parts.limits;
    return Math.max(this.#messages / ingressMaxMessages, this.#bytes / ingressMaxBytes);
  }

  figures(): { underWay: number; underWayBytes: number; refused: number } {
    return { underWay: this.#messages, underWayBytes: this.#bytes, refused: this.#refused };
  }

  #outboxOf(owner: Owner): Outbox {
    const known = this.#outboxes.get(owner);
    if (known) return known;
    const { scheduler, limits, deliver } = this.#parts;
    const made = new Outbox({
      scheduler,
      limits,
      deliver: uplinks => deliver(owner, uplinks),
      settled: uplink => {
        this.#messages--;
        this.#bytes -= uplink.payload.byteLength;
      },
    });
    this.#outboxes.set(owner, made);
    return made;
  }
}

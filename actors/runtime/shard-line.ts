import type { Uplink } from '../../contracts/uplinks.ts';
import type { Owner } from '../placement/shard-map.ts';
import type { Settle } from './slot.ts';

/** An uplink on its way through the router. */
export type Item = {
  readonly uplink: Uplink;
  readonly settle: Settle;
  /** Its place among all uplinks of this router. */
  readonly number: number;
  /** When the router had it, by the clock that never steps. */
  readonly sinceMs: number;
  /** The epoch of its shard in which it was last sent. */
  epoch: number;
};

/**
 * The uplinks of one shard, in their order. While some are under way to one owner, nothing is sent to another; what an owner
 * gave back goes first. So a device's messages keep their order when its shard moves.
 */
export class ShardLine {
  readonly #held: Item[] = [];
  #underWay = 0;
  #owner: Owner | undefined;

  get isHeld(): boolean {
    return this.#held.length > 0;
  }

  get held(): readonly Item[] {
    return this.#held;
  }

  /** Whether the next uplink may be sent to this owner now. */
  isOpenTo(owner: Owner | undefined): owner is Owner {
    if (owner === undefined || this.isHeld) return false;
    return this.#underWay === 0 || (this.#owner!.instance === owner.instance && this.#owner!.epoch === owner.epoch);
  }

  sent(item: Item, owner: Owner): void {
    item.epoch = owner.epoch;
    this.#underWay++;
    this.#owner = owner;
  }

  /** It was settled, or it came back. */
  returned(): void {
    this.#underWay--;
  }

  /** Waits, in the order in which the router had them. */
  hold(item: Item): void {
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.number > item.number) at--;
    this.#held.splice(at, 0, item);
  }

  /** All that wait, when none is under way any more. */
  takeHeld(): Item[] {
    return this.#underWay === 0 ? this.#held.splice(0) : [];
  }

  /** Those that wait and fit. */
  takeHeldIf(fits: (item: Item) => boolean): Item[] {
    const taken = this.#held.filter(fits);
    if (taken.length > 0) this.#held.splice(0, this.#held.length, ...this.#held.filter(item => !fits(item)));
    return taken;
  }
}

import { MOVED, NOT_OWNER, type Outcome } from '../../contracts/uplinks.ts';
import { pause, type Scheduler } from './ports.ts';

type Stay = { readonly epoch: number; leaving: boolean };

const LOOK_MS = 5;

/** Which shards are at home in a host, in which epoch, and how much of each is under way to the database. */
export class Residence {
  readonly #scheduler: Scheduler;
  readonly #stays = new Map<number, Stay>();
  readonly #underWay = new Map<number, number>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get size(): number {
    return this.#stays.size;
  }

  shards(): readonly number[] {
    return [...this.#stays.keys()];
  }

  admit(shard: number, epoch: number): void {
    this.#stays.set(shard, { epoch, leaving: false });
  }

  /** Undefined: the shard is not here. */
  epochOf(shard: number): number | undefined {
    return this.#stays.get(shard)?.epoch;
  }

  /** Whether the shard is here to stay, in this epoch. */
  stays(shard: number, epoch: number): boolean {
    const stay = this.#stays.get(shard);
    return stay !== undefined && !stay.leaving && stay.epoch === epoch;
  }

  /** Why an uplink that was sent in this epoch is not taken; undefined: it is. */
  refusal(shard: number, epoch: number | undefined): Outcome | undefined {
    const stay = this.#stays.get(shard);
    if (stay === undefined) return NOT_OWNER;
    if (stay.leaving) return MOVED;
    return epoch === undefined || epoch === stay.epoch ? undefined : NOT_OWNER;
  }

  enter(shard: number): void {
    this.#underWay.set(shard, (this.#underWay.get(shard) ?? 0) + 1);
  }

  leave(shard: number): void {
    const left = (this.#underWay.get(shard) ?? 0) - 1;
    if (left > 0) this.#underWay.set(shard, left);
    else this.#underWay.delete(shard);
  }

  /** Takes nothing more for these. */
  close(shards: ReadonlySet<number>): void {
    for (const shard of shards) {
      const stay = this.#stays.get(shard);
      if (stay) stay.leaving = true;
    }
  }

  /** Resolves when nothing of these is under way. */
  async whenQuiet(shards: ReadonlySet<number>): Promise<void> {
    while ([...shards].some(shard => this.#underWay.has(shard))) await pause(this.#scheduler, LOOK_MS);
  }

  forget(shards: ReadonlySet<number>): void {
    for (const shard of shards) this.#stays.delete(shard);
  }
}

import type { Limits } from '../../contracts/limits.ts';
import { type Effects, type Store, StoreError, type StoreErrorKind } from '../../contracts/store.ts';
import { DUPLICATE, type Outcome, UNKNOWN, type Uplink } from '../../contracts/uplinks.ts';
import { effectsOf } from './again.ts';
import { type Clock, pause, type Scheduler } from './ports.ts';
import type { Settle, Slot } from './slot.ts';

/** The effects of one uplink on their way into the database, and who is told once they are there. */
export type Entry = {
  readonly slot: Slot;
  readonly uplink: Uplink;
  effects: Effects;
  readonly settle: Settle;
  readonly sinceMs: number;
};

/** What a lane asks of its host. */
export interface LaneOwner {
  /** It is stored: outputs may leave. */
  committed(entry: Entry, outcome: Outcome): void;
  /** It was not stored, or nobody knows; the entry is done with. */
  settled(entry: Entry, outcome: Outcome): void;
  /** The database refuses this content. Answers the effects that keep it as a dead letter; the actor is to be loaded again. */
  refused(entry: Entry): Effects;
  /** The actor of this entry is doubtful: the uplink is to be handled again after it was loaded. */
  again(entry: Entry): void;
  /** Nobody knows whether these were stored: their actors are doubtful, their senders are cut off. */
  lost(entries: readonly Entry[]): void;
  /** After `lost`: the doubtful transaction of this lane has ended, so what is loaded from now on is true. */
  resolved(lane: number): void;
  /** The fence let these not through: nothing of them was written, and nothing will be. */
  refusedByFence(entries: readonly Entry[]): void;
  /** Another instance owns the devices now. Nothing can be written any more. */
  fenced(): void;
}

export type LaneParts = {
  readonly number: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  readonly owner: LaneOwner;
};

const RETRY_MS = 200;
/** A changed twin is written whole, both documents, and a command with its history: as much as this many datapoints. */
const DATAPOINTS_PER_TWIN = 50;
const DATAPOINTS_PER_COMMAND = 20;

/**
 * The ordered writer of some shards. One transaction at a time; while it is under way the next one gathers, so load makes
 * transactions larger, and an idle lane writes at once.
 */
export class Lane {
  readonly #parts: LaneParts;
  #queue: Entry[] = [];
  #running = false;
  #closed = false;
  commits = 0;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  add(entry: Entry): void {
    this.#queue.push(entry);
    if (this.#running || this.#closed) return;
    this.#running = true;
    this.#parts.scheduler.soon(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#closed) await this.#write(this.#takeBatch(), false);
    this.#running = false;
  }

  /** As many entries as one transaction should have, in order. Those of doubtful actors go back to their host. */
  #takeBatch(): Entry[] {
    const { laneMaxDatapoints, laneMaxBytes } = this.#parts.limits;
    const queue = this.#queue;
    let datapoints = 0;
    let bytes = 0;
    let end = 0;
    while (end < queue.length && (end === 0 || (datapoints < laneMaxDatapoints && bytes < laneMaxBytes))) {
      const entry = queue[end++]!;
      datapoints += weightOf(entry.effects);
      bytes += entry.uplink.payload.byteLength;
    }
    if (end === queue.length) {
      this.#queue = [];
      return queue;
    }
    return queue.splice(0, end);
  }

  /** Writes these in one transaction, or, when the content of one is refused, in smaller and smaller ones. */
  async #write(taken: readonly Entry[], careful: boolean): Promise<void> {
    const entries = this.#withoutDoubtful(taken);
    if (entries.length === 0) return;
    const failure = await this.#commit(entries, careful);
    if (failure === undefined) return;
    if (failure === 'duplicate_key' && !careful) return this.#write(entries, true);
    if (failure === 'refused' || failure === 'duplicate_key') return this.#bisect(entries, careful);
    if (failure === 'fenced') return this.#stop(entries);
    await this.#lose(entries);
  }

  #withoutDoubtful(entries: readonly Entry[]): readonly Entry[] {
    if (!entries.some(entry => entry.slot.doubtful)) return entries;
    const sound: Entry[] = [];
    for (const entry of entries) {
      if (entry.slot.doubtful) this.#parts.owner.again(entry);
      else sound.push(entry);
    }
    return sound;
  }

  /** Commits and settles. While the database is away and the oldest entry has patience, tries the same again. */
  async #commit(entries: readonly Entry[], careful: boolean): Promise<StoreErrorKind | undefined> {
    const { store, number, clock, limits, owner } = this.#parts;
    const effects = entries.map(entry => effectsOf(entry.uplink, entry.effects));
    for (;;) {
      const failure = await store.commit(number, effects, careful).then(news => ({ news }), kindOf);
      if (typeof failure === 'object') {
        this.commits++;
        for (let i = 0; i < entries.length; i++) {
          const { outcome } = entries[i]!.effects;
          owner.committed(entries[i]!, failure.news[i] || outcome.state !== 'stored' ? outcome : DUPLICATE);
        }
        return undefined;
      }
      const waitedMs = clock.nowMs() - entries[0]!.sinceMs;
      if (failure !== 'unavailable' || this.#closed || waitedMs >= limits.commitPatienceSeconds * 1_000) return failure;
      await pause(this.#parts.scheduler, RETRY_MS);
    }
  }

  async #bisect(entries: readonly Entry[], careful: boolean): Promise<void> {
    if (entries.length > 1) {
      const middle = entries.length >> 1;
      await this.#write(entries.slice(0, middle), careful);
      return this.#write(entries.slice(middle), careful);
    }
    const [entry] = entries as [Entry];
    // A dead letter that is refused in its turn can't be made smaller: its sender is cut off and will send it again.
    if (entry.effects.deadLetter) return this.#lose(entries);
    entry.effects = this.#parts.owner.refused(entry);
    // Its actor is doubtful from here on, but this dead letter does not depend on what the actor knows.
    const failure = await this.#commit(entries, true);
    if (failure === 'fenced') return this.#stop(entries);
    if (failure !== undefined) await this.#lose(entries);
  }

  /** Nobody knows. Waits until the doubtful transaction has ended, behind the fence, before anything is loaded again. */
  async #lose(entries: readonly Entry[]): Promise<void> {
    const { owner, store, number } = this.#parts;
    const slots = new Set(entries.map(entry => entry.slot));
    const later = this.#queue.filter(entry => slots.has(entry.slot));
    this.#queue = this.#queue.filter(entry => !slots.has(entry.slot));
    owner.lost([...entries, ...later]);
    while (!this.#closed) {
      const failure = await store.commit(number, [], false).then(() => undefined, kindOf);
      if (failure === undefined) return owner.resolved(number);
      if (failure === 'fenced') return this.#stop([]);
      await pause(this.#parts.scheduler, RETRY_MS);
    }
  }

  #stop(entries: readonly Entry[]): void {
    this.#closed = true;
    const all = [...entries, ...this.#queue];
    this.#queue = [];
    this.#parts.owner.refusedByFence(all);
    this.#parts.owner.fenced();
  }

  /** Writes no more after what is under way; what waits was not written, and its senders are told this. */
  close(outcome: Outcome = UNKNOWN): void {
    this.#closed = true;
    const left = this.#queue;
    this.#queue = [];
    for (const entry of left) this.#parts.owner.settled(entry, outcome);
  }
}

const weightOf = ({ datapoints, twin, commands }: Effects): number =>
  datapoints.length + (twin === null ? 0 : DATAPOINTS_PER_TWIN) + commands.length * DATAPOINTS_PER_COMMAND;

/** Errors that are no StoreError are defects; that nothing is known is then the only safe answer. */
const kindOf = (error: unknown): StoreErrorKind => (error instanceof StoreError ? error.kind : 'outcome_unknown');

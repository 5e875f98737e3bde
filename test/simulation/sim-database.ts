/** The one database of a simulated world, as its server sees it: connections, transactions of lanes, statements. */
import type { Limits } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import type { Effects, StoreError } from '../../contracts/store.ts';
import type { Chance } from './chance.ts';
import type { Noise } from './plan.ts';
import type { SimClock } from './sim-clock.ts';
import { LaneTransaction } from './sim-lane-transaction.ts';
import type { LaneRow, OwnershipFaults } from './sim-ownership.ts';
import { SimOwnership } from './sim-ownership.ts';
import { SimTables, type TableFaults, type Written } from './sim-tables.ts';

export type DatabaseFaults = TableFaults & OwnershipFaults & { readonly fenceIsOpen?: boolean };

/** The server's end of a connection. */
export type ServerEnd = {
  isOpen: boolean;
  /** The server itself went down: what it was doing for this connection is not done. */
  isKilled: boolean;
  /** The transaction that is open on it. */
  transaction: LaneTransaction | null;
  /** Tells the client that the connection is gone. */
  readonly reset: () => void;
};

export type Committed = (instance: InstanceId, lane: number, written: readonly Written[]) => void;
/** What a statement ended with: an answer, or an error. */
export type Answer<T> = { readonly value: T } | { readonly error: StoreError };

export type DatabaseParts = {
  readonly clock: SimClock;
  readonly chance: Chance;
  readonly noise: Noise;
  readonly limits: Limits;
  readonly faults: DatabaseFaults;
  readonly committed: Committed;
};

export class SimDatabase {
  readonly parts: DatabaseParts;
  readonly tables: SimTables;
  readonly ownership: SimOwnership;
  readonly #connections = new Set<ServerEnd>();
  #isUp = true;

  constructor(parts: DatabaseParts) {
    this.parts = parts;
    this.tables = new SimTables(parts.faults);
    this.ownership = new SimOwnership(parts.limits, () => parts.clock.nowMs, parts.faults);
  }

  /** Nothing when nobody listens. */
  accept(end: ServerEnd): boolean {
    if (!this.#isUp) return false;
    this.#connections.add(end);
    return true;
  }

  /** The client has closed the connection, or it broke: an open transaction is rolled back, a COMMIT goes on. */
  hangUp(end: ServerEnd): void {
    end.isOpen = false;
    if (!end.transaction?.isCommitting) end.transaction?.rollBack();
    this.#connections.delete(end);
  }

  /** Everything that is under way is rolled back, or has lost its reply. */
  restart(downMs: number): void {
    this.#isUp = false;
    for (const end of this.#connections) {
      end.isKilled = true;
      end.transaction?.rollBack();
      this.#drop(end);
    }
    this.parts.clock.after(downMs, null, () => {
      this.#isUp = true;
    });
  }

  /** One statement that commits by itself. */
  query<T>(end: ServerEnd, work: () => T, answer: (it: Answer<T>) => void): void {
    this.parts.clock.after(this.workMs(), null, () => {
      if (!end.isKilled) answer({ value: work() });
    });
  }

  /** All statements of a lane's transaction but its COMMIT. */
  begin(
    end: ServerEnd,
    of: { instance: InstanceId; lane: number; effects: readonly Effects[]; careful: boolean },
    answer: (it: Answer<void>) => void,
  ): void {
    end.transaction = new LaneTransaction(this, end, of, answer);
    end.transaction.begin();
  }

  commit(end: ServerEnd, answer: (it: Answer<boolean[]>) => void): void {
    const { transaction } = end;
    if (!transaction?.isOpen) return this.#drop(end);
    transaction.isCommitting = true;
    this.parts.clock.after(this.workMs(), null, () => {
      if (transaction.isOpen) answer({ value: transaction.commit() });
    });
  }

  #drop(end: ServerEnd): void {
    this.hangUp(end);
    end.reset();
  }

  /** Closes all lanes of an instance, after whatever holds their rows. */
  closeLanes(end: ServerEnd, instance: InstanceId, answer: (it: Answer<void>) => void): void {
    const rows = this.ownership.lanes(instance);
    const next = (held: readonly LaneRow[]): void => {
      const row = rows[held.length];
      if (row && !end.isKilled) return row.lock(() => next([...held, row]));
      // Whoever asked may have hung up while this waited: PostgreSQL notices only when it answers.
      if (!end.isKilled) for (const it of held) it.open = false;
      for (const it of held) it.unlock();
      answer({ value: undefined });
    };
    if (end.isOpen) next([]);
  }

  /** How long the server works on a statement. */
  workMs(): number {
    const { chance, noise } = this.parts;
    return chance.happens(noise.storeSlow) ? chance.span(50, 4_000) : chance.span(0.1, 3);
  }
}

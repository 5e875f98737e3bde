/** A transaction of a lane, as the server sees it: it begins behind the fence, and holds the row of its lane until its end. */
import type { InstanceId } from '../../contracts/ownership.ts';
import { type Effects, StoreError } from '../../contracts/store.ts';
import type { Answer, ServerEnd, SimDatabase } from './sim-database.ts';
import type { LaneRow } from './sim-ownership.ts';

type Of = {
  readonly instance: InstanceId;
  readonly lane: number;
  readonly effects: readonly Effects[];
  readonly careful: boolean;
};

export class LaneTransaction {
  readonly #database: SimDatabase;
  readonly #end: ServerEnd;
  readonly #of: Of;
  readonly #row: LaneRow;
  readonly #answer: (it: Answer<void>) => void;
  #state: 'waiting' | 'working' | 'open' | 'over' = 'waiting';
  #cancelTimeout: () => void = () => {};
  isCommitting = false;

  constructor(database: SimDatabase, end: ServerEnd, of: Of, answer: (it: Answer<void>) => void) {
    this.#database = database;
    this.#end = end;
    this.#of = of;
    this.#answer = answer;
    this.#row = database.ownership.lanes(of.instance)[of.lane]!;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  begin(): void {
    const { clock, limits } = this.#database.parts;
    this.#cancelTimeout = clock.after(limits.laneStatementTimeoutMs, null, () => {
      this.#fail(new StoreError('unavailable', 'statement timeout'));
    });
    this.#row.lock(this.#locked);
  }

  readonly #locked = (): void => {
    const { clock, faults } = this.#database.parts;
    this.#state = 'working';
    if (!this.#row.open && !faults.fenceIsOpen) return this.#fail(new StoreError('fenced', 'the lane is closed'));
    clock.after(this.#database.workMs(), null, () => this.#worked());
  };

  #worked(): void {
    if (this.#state !== 'working') return;
    const { effects, careful } = this.#of;
    try {
      this.#database.tables.check(effects, careful, this);
    } catch (error) {
      return this.#fail(error as StoreError);
    }
    this.#cancelTimeout();
    this.#state = 'open';
    this.#awaitCommit();
    this.#answer({ value: undefined });
  }

  /** A client that stopped must not hold the lane for ever. */
  #awaitCommit(): void {
    const { clock, limits } = this.#database.parts;
    this.#cancelTimeout = clock.after(limits.laneStatementTimeoutMs, null, () => {
      if (!this.isOpen || this.isCommitting) return;
      this.#database.hangUp(this.#end);
      this.#end.reset();
    });
  }

  commit(): boolean[] {
    const { news, written } = this.#database.tables.apply(this.#of.effects);
    this.#database.parts.committed(this.#of.instance, this.#of.lane, written);
    this.#finish();
    return news;
  }

  rollBack(): void {
    if (this.#state === 'waiting') this.#row.leave(this.#locked);
    if (this.#state === 'working' || this.#state === 'open') this.#finish();
    this.#state = 'over';
    this.#cancelTimeout();
  }

  #fail(error: StoreError): void {
    if (this.#state === 'over') return;
    this.rollBack();
    this.#answer({ error });
  }

  #finish(): void {
    this.#state = 'over';
    this.#database.tables.ended(this);
    this.#cancelTimeout();
    this.#row.unlock();
  }
}

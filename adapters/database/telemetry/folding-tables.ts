/** Rollups in tables: marked hours are taken in pieces, each in one short transaction, because lanes with late data for them wait for it. */
import { LRUCache } from 'lru-cache';
import type { Limits } from '../../../contracts/limits.ts';
import { type Database, DatabaseError, type Transaction } from '../database.ts';
import {
  KEEPS_MINUTES_SQL,
  LOCK_DAYS_SQL,
  NEXT_SQL,
  REMOVE_DAYS_SQL,
  REMOVE_HOURS_SQL,
  REMOVE_MINUTES_SQL,
  STORE_DAYS_SQL,
  STORE_SQL,
  TAKE_SQL,
} from './folding.sql.ts';
import { dayOfMoment, hourAfter, momentOfDay, newestDue, type OnStuck, type Rollups } from './folding.ts';
import { FoldingPace } from './folding-pace.ts';
import { isRemovedPartition, TelemetryPartitions } from './partitions.ts';

/** `hour`: since 1970. */
type Mark = { readonly device_uid: number; readonly measurement_id: number; readonly hour: number };

/** Hours of which no rollups can be made are left out for so long, and so many are remembered. */
const STUCK_MS = 3_600_000;
const STUCK_MOST = 1_000;
const START: Mark = { device_uid: 0, measurement_id: 0, hour: Number.NEGATIVE_INFINITY };
const HOURS_OF_DAY = 24;

const hourStart = ({ hour }: Mark): Date | '-infinity' =>
  hour === START.hour ? '-infinity' : new Date(hour * 3_600_000);
const isAfter = (a: Mark, b: Mark): boolean =>
  (a.hour - b.hour || a.device_uid - b.device_uid || a.measurement_id - b.measurement_id) > 0;

export class TableRollups implements Rollups {
  readonly #database: Database;
  readonly #limits: Limits;
  readonly #onStuck: OnStuck;
  readonly #pace: FoldingPace;
  readonly #minutes: TelemetryPartitions;
  readonly #stuck = new LRUCache<string, Mark>({ max: STUCK_MOST, ttl: STUCK_MS });
  /** Where this walk through the marks is: an hour that is marked again and again has its turn once in each. */
  #place = START;

  constructor(database: Database, limits: Limits, onStuck: OnStuck) {
    this.#database = database;
    this.#limits = limits;
    this.#onStuck = onStuck;
    this.#pace = new FoldingPace(limits.rollupPieceMaxHours, limits.rollupPieceTargetMs);
    this.#minutes = new TelemetryPartitions(database, 'telemetry_1m');
  }

  async fold(nowMs: number): Promise<boolean> {
    const before = hourAfter(newestDue(nowMs, this.#limits));
    const [next] = await this.#database.query<{ hour: Date }>(NEXT_SQL, this.#waiting(before));
    if (next === undefined) {
      this.#place = START;
      return false;
    }
    const day = dayOfMoment(next.hour);
    const dayEnd = momentOfDay(day + 1);
    await this.#foldPiece(day, dayEnd < before ? dayEnd : before);
    return true;
  }

  async #foldPiece(day: number, before: Date): Promise<void> {
    const keepsMinutes = await this.#makeMinutes(day);
    const { size } = this.#pace;
    let taken: readonly Mark[] = [];
    const startedMs = performance.now();
    try {
      await this.#database.transaction(async tx => {
        // With a single hour it has to succeed, whoever waits.
        if (size > 1) await tx.query(`SET LOCAL statement_timeout = ${this.#limits.rollupPieceMaxMs}`);
        taken = await tx.query<Mark>(TAKE_SQL, [...this.#waiting(before), size]);
        if (taken.length > 0) await foldMarks(tx, taken, day, keepsMinutes);
      });
    } catch (error) {
      this.#failed(taken, error);
      return;
    }
    this.#pace.took(performance.now() - startedMs, taken.length);
    this.#place = taken.reduce((last, mark) => (isAfter(mark, last) ? mark : last), this.#place);
    // All of the day are being written: on to the next one.
    if (taken.length === 0) this.#place = { ...START, hour: (day + 1) * HOURS_OF_DAY };
  }

  async #makeMinutes(day: number): Promise<boolean> {
    const [row] = await this.#database.query<{ it: boolean }>(KEEPS_MINUTES_SQL, [
      momentOfDay(day).toISOString().slice(0, 10),
    ]);
    if (row!.it) await this.#minutes.make([day]);
    return row!.it;
  }

  /** Goes on with less, until it is known which hour it is; that one is left out. Rejects when nothing is wrong with any of them. */
  #failed(taken: readonly Mark[], error: unknown): void {
    if (!(error instanceof DatabaseError) || error.kind === 'unavailable' || error.kind === 'outcome_unknown')
      throw error;
    if (isRemovedPartition(error.code, error.where)) {
      this.#minutes.forget();
      throw error;
    }
    // It has not even come to a mark: with fewer it does.
    if (taken.length === 0 && this.#pace.size === 1) throw error;
    if (this.#pace.shrink(taken.length || this.#pace.size)) return;
    const mark = taken[0]!;
    const name = `${mark.device_uid} ${mark.measurement_id} ${new Date(mark.hour * 3_600_000).toISOString()}`;
    this.#stuck.set(name, mark);
    this.#onStuck(name, error);
  }

  /** The parameters that say which marks are waiting. */
  #waiting(before: Date): unknown[] {
    const { device_uid, measurement_id } = this.#place;
    const stuck = [...this.#stuck.values()];
    return [
      hourStart(this.#place),
      device_uid,
      measurement_id,
      before,
      stuck.map(it => it.device_uid),
      stuck.map(it => it.measurement_id),
      stuck.map(it => new Date(it.hour * 3_600_000).toISOString()),
    ];
  }
}

/** What was there of these hours goes, whether or not datapoints are left of which something new is made. */
async function foldMarks(tx: Transaction, taken: readonly Mark[], day: number, keepsMinutes: boolean): Promise<void> {
  const devices = taken.map(it => it.device_uid);
  const measurements = taken.map(it => it.measurement_id);
  const hours = taken.map(it => it.hour);
  const [from, to] = [momentOfDay(day), momentOfDay(day + 1)];
  const marked = [devices, measurements, hours, from, to];
  if (keepsMinutes) await tx.query(REMOVE_MINUTES_SQL, marked);
  await tx.query(REMOVE_HOURS_SQL, marked);
  await tx.query(STORE_SQL, [...marked, keepsMinutes]);
  await tx.query(LOCK_DAYS_SQL, [devices, measurements, from]);
  await tx.query(REMOVE_DAYS_SQL, [devices, measurements, from, to]);
  await tx.query(STORE_DAYS_SQL, [devices, measurements, from, to]);
}

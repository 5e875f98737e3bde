/**
 * Writes history: a piece of a file, and how far the import is with it, in one transaction. It goes by COPY straight to where it belongs. When
 * something of it is stored already it goes by COPY into a table of the session, and from there, row by row, what is new.
 */
import type { Limits } from '../../../contracts/limits.ts';
import { type Database, DatabaseError, type Lane, type Row, type Step } from '../database.ts';
import { type CopiedPoint, TELEMETRY_COLUMNS, TelemetryCopy } from './copy-encoder.ts';
import { SERIES_SQL } from './datapoints.sql.ts';
import { dayOf, hourOf } from './days.ts';
import { DEVICES_SQL, PROGRESS_SQL, REFUSALS_SQL, STAGING, STAGING_SQL, STORE_SQL } from './history.sql.ts';
import { MeasurementIds } from './measurement-ids.ts';
import { isRemovedPartition, TelemetryPartitions } from './partitions.ts';

export type HistoryPoint = CopiedPoint & { readonly deviceUid: number; readonly measurement: string };
export type HistoryRefusal = {
  readonly line: number;
  readonly device: string | null;
  readonly reason: string;
  readonly detail: string;
};
/** The counts of an import with this piece; `place` is where the next one begins. */
export type HistoryProgress = {
  readonly place: object;
  readonly lines: number;
  readonly refused: number;
  readonly flagged: number;
  readonly reported: number;
  readonly reasons: Readonly<Record<string, number>>;
};
export type HistoryPiece = {
  readonly importId: string;
  readonly tenantId: number;
  /** Pieces that were stored before this one. */
  readonly pieces: number;
  /** Nothing but the progress is stored. */
  readonly isDryRun: boolean;
  readonly points: readonly HistoryPoint[];
  /** For the report. */
  readonly refusals: readonly HistoryRefusal[];
  readonly progress: HistoryProgress;
};

export class HistoryWriter {
  readonly #lane: Lane;
  readonly #limits: Pick<Limits, 'historyLockWaitMs' | 'historyLeaseSeconds'>;
  readonly #ids: MeasurementIds;
  readonly #partitions: TelemetryPartitions;
  /** Something of the last piece was there: so it is with the next one, mostly. */
  #isCareful = false;

  constructor(database: Database, limits: Pick<Limits, 'historyLockWaitMs' | 'historyLeaseSeconds'>) {
    this.#lane = database.lane('history');
    this.#limits = limits;
    this.#ids = new MeasurementIds(database);
    this.#partitions = new TelemetryPartitions(database, 'telemetry');
  }

  /**
   * All of the piece or nothing of it. Rejects with a DatabaseError: `expectation_failed` when it was stored before, the import has ended, or a
   * device may not have history any more; `timeout` when devices hold what it needs: the same, or less of it, may succeed later.
   */
  async write(piece: HistoryPiece): Promise<void> {
    const { points, isDryRun } = piece;
    if (points.length === 0 || isDryRun)
      return void (await this.#lane.commit([...reportSteps(piece), this.#progress(piece)]));
    await this.#ids.learn(await this.#unknownNames(piece));
    await this.#partitions.make(new Set(points.map(it => dayOf(it.tsUs))));
    const rows = pieceRows(piece, this.#ids);
    try {
      await (this.#isCareful ? this.#merge(piece, rows) : this.#copy(piece, rows));
    } catch (error) {
      if (!(error instanceof DatabaseError) || !isRemovedPartition(error.code, error.where)) throw error;
      this.#partitions.forget();
      throw new DatabaseError('timeout', 'A partition was removed meanwhile', { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#lane.close();
  }

  async #unknownNames({ tenantId, points }: HistoryPiece): Promise<{ tenantId: number; measurement: string }[]> {
    const names = new Set(points.map(it => it.measurement));
    return [...names]
      .filter(it => this.#ids.get(tenantId, it) === undefined)
      .map(measurement => ({ tenantId, measurement }));
  }

  async #copy(piece: HistoryPiece, rows: PieceRows): Promise<void> {
    const table = rows.days.size === 1 ? this.#partitions.get(rows.days.values().next().value!) : undefined;
    const series: Step = { kind: 'query', sql: SERIES_SQL, params: hoursOf(rows.series) };
    const copy: Step = { kind: 'copy', table: table ?? 'telemetry', columns: TELEMETRY_COLUMNS, data: rows.data };
    try {
      await this.#lane.commit([
        ...this.#first(piece, rows),
        copy,
        ...reportSteps(piece),
        series,
        this.#progress(piece),
      ]);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind !== 'duplicate_key') throw error;
      this.#isCareful = true;
      await this.#merge(piece, rows);
    }
  }

  async #merge(piece: HistoryPiece, rows: PieceRows): Promise<void> {
    // By itself: what comes next can't be prepared before it is there.
    await this.#lane.commit([{ kind: 'query', sql: STAGING_SQL }]);
    const copy: Step = { kind: 'copy', table: STAGING, columns: TELEMETRY_COLUMNS, data: rows.data };
    const store: Step = { kind: 'query', sql: STORE_SQL, params: this.#params(piece), expectRows: 1 };
    const answers = await this.#lane.commit([...this.#first(piece, rows), copy, ...reportSteps(piece), store]);
    const { news } = answers.at(-1)![0] as Row & { news: number };
    this.#isCareful = news < piece.points.length;
  }

  /** It gives way to devices, and whoever is not there any more gets nothing. */
  #first({ tenantId }: HistoryPiece, { series }: PieceRows): Step[] {
    const { historyLockWaitMs } = this.#limits;
    return [
      { kind: 'query', sql: `SELECT set_config('lock_timeout', $1, true)`, params: [`${historyLockWaitMs}ms`] },
      { kind: 'query', sql: DEVICES_SQL, params: [tenantId, [...series.keys()]], expectRows: series.size },
    ];
  }

  #progress(piece: HistoryPiece): Step {
    return { kind: 'query', sql: PROGRESS_SQL, params: this.#params(piece), expectRows: 1 };
  }

  #params({ importId, pieces, points, progress }: HistoryPiece): unknown[] {
    const { place, lines, refused, flagged, reported, reasons } = progress;
    return [
      ...[importId, pieces, JSON.stringify(place), lines, refused, flagged, reported, JSON.stringify(reasons)],
      ...[this.#limits.historyLeaseSeconds, points.length],
    ];
  }
}

type PieceRows = {
  readonly data: Uint8Array;
  readonly days: ReadonlySet<number>;
  /** The hours of each measurement of each device. */
  readonly series: ReadonlyMap<number, ReadonlyMap<number, ReadonlySet<number>>>;
};

function pieceRows({ tenantId, points }: HistoryPiece, ids: MeasurementIds): PieceRows {
  const copy = new TelemetryCopy(points.length);
  const days = new Set<number>();
  const series = new Map<number, Map<number, Set<number>>>();
  for (const point of points) {
    const { deviceUid, measurement, tsUs } = point;
    const id = ids.get(tenantId, measurement);
    if (id === undefined) throw new DatabaseError('failed', 'More names in one piece than are remembered');
    copy.add(deviceUid, id, point);
    days.add(dayOf(tsUs));
    const ofDevice = series.get(deviceUid) ?? new Map<number, Set<number>>();
    series.set(deviceUid, ofDevice);
    const hours = ofDevice.get(id);
    if (hours === undefined) ofDevice.set(id, new Set([hourOf(tsUs)]));
    else hours.add(hourOf(tsUs));
  }
  return { data: copy.finish(), days, series };
}

/** As SERIES_SQL takes them. */
function hoursOf(series: PieceRows['series']): [devices: number[], ids: number[], hours: number[]] {
  const columns: [number[], number[], number[]] = [[], [], []];
  for (const [device, measurements] of series)
    for (const [id, hours] of measurements)
      for (const hour of hours) {
        columns[0].push(device);
        columns[1].push(id);
        columns[2].push(hour);
      }
  return columns;
}

function reportSteps({ importId, refusals }: HistoryPiece): Step[] {
  if (refusals.length === 0) return [];
  const columns = [refusals.map(it => it.line), refusals.map(it => it.device), refusals.map(it => it.reason)];
  return [{ kind: 'query', sql: REFUSALS_SQL, params: [importId, ...columns, refusals.map(it => it.detail)] }];
}

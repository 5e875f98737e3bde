/** Readings that were moved out of the database, as those who answer questions about telemetry see them. */

/** From `fromUs` until before `toUs`, in microseconds since 1970. */
export type ArchivedRange = {
  readonly fromUs: number;
  readonly toUs: number;
  /** Another one when something else is archived of it: who has read both the archive and the database asks again, and compares. */
  readonly files?: string;
};

/** As it was stored: `quality` in ten-thousandths, `flags` as bits (contracts/validation.ts), null when there is none. */
export type ArchivedReading = {
  readonly deviceUid: number;
  readonly measurementId: number;
  readonly us: number;
  readonly value: number | null;
  readonly quality: number | null;
  readonly flags: number | null;
  readonly valueJson: unknown;
};

export type ArchivedQuery = ArchivedRange & {
  readonly tenantId: number;
  readonly deviceUids: readonly number[];
  readonly measurementIds: readonly number[];
};

export interface ArchivedReadings {
  /** What of this range was archived and is no longer in the database (no reading is in both), of any of these devices (null: of the tenant), in the order of time. Fast: every question asks it. */
  ranges(
    tenantId: number,
    deviceUids: readonly number[] | null,
    fromUs: number,
    toUs: number,
  ): Promise<readonly ArchivedRange[]>;
  /** In the order of `us`, then `measurementId`; in batches, so that none of it is in memory as a whole. Whoever leaves early ends the reading. */
  read(query: ArchivedQuery): AsyncGenerator<readonly ArchivedReading[]>;
}

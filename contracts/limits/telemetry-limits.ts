/** What one question about telemetry may cost. */
export const TELEMETRY_LIMITS = {
  /** Measurements that one question names. */
  telemetryMeasurementsMax: 100,
  /** Devices that one question is about: their numbers travel with each statement. */
  telemetryDevicesMax: 10_000,
  /** Buckets of an answer that comes as a whole: some megabytes of JSON. */
  telemetryBucketsMax: 10_000,
  /** Buckets of an answer that comes in pages, for each measurement. */
  telemetryPagedBucketsMax: 1_000_000,
  /** Readings that one answer is computed of, when no rollup has it: some seconds of the database. */
  telemetryReadingsMax: 5_000_000,
  /** Points of a picture, and readings that they are chosen of, for each measurement. Beyond it they are chosen of the extremes of buckets. */
  telemetryPicturePointsMax: 5_000,
  telemetryPictureReadingsMax: 50_000,
  /** Items of a streamed answer that are in memory at once. */
  telemetryStreamItems: 5_000,
} as const;

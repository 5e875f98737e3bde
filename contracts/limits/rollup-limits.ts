/** What is made of telemetry in the background: rollups, partitions, compression. */
export const ROLLUP_LIMITS = {
  /** Rollups of an hour are made when it has been over for so long: what is under way, and clocks that differ a little, are waited for. */
  rollupDelaySeconds: 300,
  /** How often it is looked for hours without rollups, on PostgreSQL and PGlite. */
  rollupPollSeconds: 30,
  /** And on TimescaleDB, which makes those of all devices again when one of them sent something late. */
  rollupRefreshSeconds: 600,
  /** A refresh of TimescaleDB reads a whole day of all devices. */
  rollupRefreshTimeoutSeconds: 3_600,
  /** Hours of series in one transaction. Who has late data for one of them waits for its end. */
  rollupPieceMaxHours: 5_000,
  /** A transaction that took longer is followed by a smaller one. */
  rollupPieceTargetMs: 250,
  /** One that takes longer is given up, and tried again with fewer hours: lanes wait for it. */
  rollupPieceMaxMs: 1_000,
  /** Rollups of minutes. What is older is answered from those of hours, or from the datapoints themselves. */
  rollupMinuteKeepDays: 30,
  /** TimescaleDB compresses what is older. Late data for it is stored, but costs more. */
  telemetryCompressAfterDays: 7,
} as const;

/** Exports of telemetry: files that are made in the background. */
export const EXPORT_LIMITS = {
  /** Of one organization: exports that have not ended. Others get their turns between them. */
  exportsUnderWayMax: 5,
  /** Exports of one organization that are kept, with their files. */
  exportsKeptMax: 1_000,
  exportSchedulesMax: 50,
  /** A larger one fails; several with shorter ranges take the same. */
  exportMaxRows: 50_000_000,
  exportMaxBytes: 20 * 1024 * 1024 * 1024,
  /** Then the file is removed, and with it what is known of the export. */
  exportKeepDays: 7,
  /** A turn ends with a part of the file; what a node that dies had not ended is made again. Whatever of these comes first. */
  exportPartMaxRows: 500_000,
  exportPartMaxBytes: 64 * 1024 * 1024,
  exportTurnMs: 5_000,
  /** Rows that are in memory at once, and buckets. */
  exportPageRows: 2_000,
  /** Series that are looked up at once. */
  exportPageSeries: 500,
  /** Read from the file at once, for a download: it travels through the bus as base64, below what NATS takes. */
  exportChunkBytes: 256 * 1024,
  /** A node that took an export and says nothing for so long has lost it to another. */
  exportLeaseSeconds: 60,
  exportPollMs: 1_000,
  /** A turn that failed is tried again after a pause, and so often; then the export has failed. */
  exportAttempts: 10,
  exportRetryMs: 5_000,
} as const;

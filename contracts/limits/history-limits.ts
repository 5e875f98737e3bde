/** The import of telemetry history. */
export const HISTORY_LIMITS = {
  /** Of one file, without compression. It has to arrive within the time of a request. */
  historyMaxBytes: 1024 * 1024 * 1024,
  /** What a compressed file may become when it is decompressed: readings of real devices become ten to thirty times as large. */
  historyExpansionMaxTimes: 100,
  /** A longer line is refused by itself: as many values as one message carries fit. */
  historyLineMaxBytes: 64 * 1024,
  /** Of one organization that have not ended: they take turns with those of others. */
  historyImportsUnderWay: 4,
  /** In one transaction, and bytes of the file that are read for it. Devices that store the same hours wait for it. */
  historyPieceDatapoints: 20_000,
  historyPieceMaxBytes: 2 * 1024 * 1024,
  /** A piece waits for a device that stores the same for so long, then gives way: less than the second after which PostgreSQL looks for deadlocks. */
  historyLockWaitMs: 500,
  /** After so long the next import has its turn. */
  historyTurnSeconds: 10,
  /** A node that took an import and says nothing for so long has lost it to another. */
  historyLeaseSeconds: 60,
  /** An import that fails so often at the same place has failed. */
  historyTriesMax: 10,
  /** Refused lines that are kept for the report of an import; all are counted. */
  historyReportMaxLines: 10_000,
  /** Devices that one turn remembers, with the names of their measurements. */
  historyDevicesKnown: 20_000,
  /** A file that was not complete after so long never will be. */
  historyReceiveHours: 24,
  /** How long it is known what became of an import. */
  historyKeepDays: 30,
} as const;

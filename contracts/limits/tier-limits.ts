/** How long telemetry stays where, and what moves it. */
export const TIER_LIMITS = {
  /** Where no policy fits: 36,500 days are a hundred years, so everything is kept as it is. */
  telemetryArchiveAfterDays: 36_500,
  telemetryDropAfterDays: 36_500,
  telemetryRollupsKeepDays: 36_500,
  /** The least that a policy may say: younger rows are still being counted into rollups, and change with what comes late. */
  storagePolicyMinDays: 2,
  /** Of one organization: each is looked at for each of its series. */
  storagePoliciesMax: 200,
  legalHoldsMax: 200,
  /** A preview counts no more than this, and says so. */
  storagePreviewMaxDatapoints: 1_000_000,
  storagePreviewMaxDays: 400,
  /** Rows of one archived file, unless one hour of one series has more: what one transaction removes. */
  archiveFileMaxRows: 100_000,
  archiveFileMaxSeries: 2_000,
  /** Rows of a row group of it: the least that is read of a file. */
  archiveRowGroupRows: 10_000,
  /** Archived rows that one reader puts in order in memory. */
  archiveReadMaxRows: 200_000,
  /** A file that is being written for so long is of a process that is gone. */
  archiveAbandonedMinutes: 60,
  /** Each day of each organization with a policy is looked at again after so long. */
  tierSweepMinutes: 60,
  tierPollMs: 10_000,
  /** A node that took a day and says nothing for so long has lost it to another. */
  tierLeaseSeconds: 120,
  /** What storage takes is counted at most this often. */
  storageUsageKeepSeconds: 60,
} as const;

import { action, contract } from './contract.ts';
import type { HealthReport } from './health.contract.ts';

export const STORAGE_KINDS = ['raw', 'rollups', 'archive'] as const;
export const STORAGE_TIERS = ['hot', 'compressed', 'archived'] as const;
export type StorageKind = (typeof STORAGE_KINDS)[number];
export type StorageTier = (typeof STORAGE_TIERS)[number];

export type StorageUsageItem = {
  kind: StorageKind;
  tier: StorageTier;
  bytes: number;
  /** Rows are estimates of the database; those of the archive are counted. */
  rows: number;
  /** Partitions, chunks or files. */
  parts: number;
  /** Days, of the first and the last part: `YYYY-MM-DD`. */
  oldest: string | null;
  newest: string | null;
};
export type StorageUsage = {
  /** Of the whole system, or of an organization: its share of the series, as an estimate; its archive is counted. */
  of: 'system' | 'organization';
  isEstimate: boolean;
  bytes: number;
  items: StorageUsageItem[];
  /** Bytes before, by bytes after; null where nothing is compressed. */
  compressionRatio: number | null;
  /** When it was counted: ISO 8601, UTC. */
  countedAt: string;
};

export const storage = contract('storage', {
  usage: action({}, { needs: 'storage:read' }).returns<StorageUsage>(),
  /** For metrics. */
  health: action({}, { needs: 'inside' }).returns<HealthReport>(),
});

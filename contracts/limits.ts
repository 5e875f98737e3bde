import { BLOB_LIMITS } from './limits/blob-limits.ts';
import { DEVICE_LIMITS } from './limits/device-limits.ts';
import { EXPORT_LIMITS } from './limits/export-limits.ts';
import { HISTORY_LIMITS } from './limits/history-limits.ts';
import { IDENTITY_LIMITS } from './limits/identity-limits.ts';
import { ROLLUP_LIMITS } from './limits/rollup-limits.ts';
import { STORAGE_LIMITS } from './limits/storage-limits.ts';
import { TELEMETRY_LIMITS } from './limits/telemetry-limits.ts';
import { TIER_LIMITS } from './limits/tier-limits.ts';

/**
 * Every limit of Skein, each with its unit in its name and its reason. Each is a setting too: `deviceMessagesPerSecond` is
 * `SKEIN_LIMIT_DEVICE_MESSAGES_PER_SECOND`, a whole number from 1.
 */
export const LIMITS = {
  ...BLOB_LIMITS,
  ...DEVICE_LIMITS,
  ...HISTORY_LIMITS,
  ...IDENTITY_LIMITS,
  ...ROLLUP_LIMITS,
  ...TELEMETRY_LIMITS,
  ...STORAGE_LIMITS,
  ...TIER_LIMITS,
  ...EXPORT_LIMITS,
  /** How long dead letters are kept. */
  deadLetterKeepDays: 30,
  /** REST. */
  requestMaxBytes: 1024 * 1024,
  /** A body from somebody who is not known yet. */
  requestPublicMaxBytes: 16 * 1024,
  requestTelemetryMaxItems: 1_000,
  headersMaxBytes: 16 * 1024,
  requestTimeoutSeconds: 30,
  /** Answers that one process streams at once: each holds some megabytes for as long as its client takes. */
  answerStreamsUnderWay: 64,
  listDefaultItems: 50,
  listMaxItems: 1_000,
  /** A page of a list ends earlier when its items are larger than this together, as JSON text. */
  pageMaxBytes: 1024 * 1024,
  /** Pages that one process reads from the database at once, and requests that wait for their turn: half of the connections are for others. */
  listsUnderWay: 4,
  listsWaiting: 1_000,
  idempotencyKeepHours: 24,
  deviceIdMaxLength: 64,
  metadataMaxBytes: 16 * 1024,
  /** An answer that Redis keeps for all nodes, where a service allows it, may be this old. */
  answerCacheSeconds: 5,
  /** Redis is asked before a request is answered, so one that does not answer must not cost much. */
  redisCommandTimeoutMs: 250,
  /** Twins that wait to be copied to Redis: what some transactions change at once. Beyond it the oldest copy is not made. */
  twinMirrorMaxDevices: 10_000,
  /** A database statement of a lane, and of anything else. */
  laneStatementTimeoutMs: 3_000,
  queryTimeoutMs: 10_000,
  databaseConnections: 8,
} as const;

export type Limits = { readonly [K in keyof typeof LIMITS]: number };

/** `deviceMessagesPerSecond` -> `SKEIN_LIMIT_DEVICE_MESSAGES_PER_SECOND`. */
export const limitVariable = (name: string): string =>
  `SKEIN_LIMIT_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;

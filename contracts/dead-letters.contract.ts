import { action, contract } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { DeadLetterReason } from './uplinks.ts';

export type DeadLetterView = {
  id: string;
  deviceId: string;
  kind: string;
  topic: string;
  contentType: string;
  /** Of the last attempt, when it was tried again. */
  reason: DeadLetterReason;
  detail: string;
  /** UTF-8 text when it is text, else base64; `payloadEncoding` says which. */
  payload: string;
  payloadEncoding: 'utf8' | 'base64';
  payloadBytes: number;
  receivedAt: string;
  /** When it was tried again the last time, and how often it was. */
  triedAt: string | null;
  attempts: number;
  replayedAt: string | null;
};

/** Which dead letters are meant: those that fit all of it. `from` and `to` (without it) say when they came, in milliseconds since 1970. */
export type DeadLetterFilter = {
  readonly deviceId?: string;
  readonly reason?: string;
  readonly kind?: string;
  readonly from?: number;
  readonly to?: number;
  readonly replayed?: boolean;
};

export const REPLAY_STATES = ['running', 'completed', 'cancelled'] as const;
/** A run that tries many again. `total`: how many there were when it began. What is rejected stays, with the new reason. */
export type ReplayView = {
  id: string;
  state: (typeof REPLAY_STATES)[number];
  /** As it was asked for, with times in ISO 8601. */
  filter: Record<string, string>;
  total: number;
  pending: number;
  stored: number;
  duplicate: number;
  rejected: number;
  createdAt: string;
  endedAt: string | null;
};

/** Of those that were not replayed. */
export type DeadLetterCounts = {
  total: number;
  byReason: Record<string, number>;
  byKind: Record<string, number>;
  /** When the oldest came; null: there are none. */
  oldestAt: string | null;
  oldestAgeSeconds: number | null;
};
export type DeadLetterCount = { readonly reason: string; readonly kind: string; readonly count: number };

const matching = {
  deviceId: 'string|optional',
  reason: 'string|optional',
  kind: 'string|optional',
  from: 'number|optional',
  to: 'number|optional',
} as const;
const replay = { needs: 'dead-letters:replay', of: 'devices' } as const;
const purge = { needs: 'dead-letters:purge', of: 'devices' } as const;

export const deadLetters = contract('dead-letters', {
  /** Newest first. */
  list: action(
    { limit: 'number|optional|integer', cursor: 'string|optional', ...matching, replayed: 'boolean|optional' },
    { needs: 'dead-letters:read', of: 'devices' },
  ).returns<Page<DeadLetterView>>(),
  get: action({ id: 'string' }, { needs: 'dead-letters:read', of: 'devices' }).returns<DeadLetterView>(),
  counts: action({}, { needs: 'dead-letters:read', of: 'devices' }).returns<DeadLetterCounts>(),
  /** Sends it through the device's actor again. `stored` or `duplicate` marks it replayed; else it stays, with the new reason. */
  replay: action({ id: 'string' }, replay).returns<{ id: string; state: string; reason: string | null }>(),
  /** The same for all that fit and were not replayed, in the background: of each device the oldest first. */
  replayMany: action({ ...matching }, replay).returns<ReplayView>(),
  getReplay: action({ id: 'string' }, replay).returns<ReplayView>(),
  /** Newest first. */
  listReplays: action({ limit: 'number|optional|integer', cursor: 'string|optional' }, replay).returns<
    Page<ReplayView>
  >(),
  /** What is pending is not tried any more. Again: the run as it is. */
  cancelReplay: action({ id: 'string' }, replay).returns<ReplayView>(),
  purge: action({ id: 'string' }, purge).returns<{ id: string; purged: boolean }>(),
  /** `dryRun`: only counts. `more`: there are more than one request removes. */
  purgeMany: action({ ...matching, replayed: 'boolean|optional', dryRun: 'boolean|optional' }, purge).returns<{
    count: number;
    dryRun: boolean;
    more: boolean;
  }>(),
  /** Of the whole system, for its metrics. */
  figures: action({}, { needs: 'inside' }).returns<{ counts: DeadLetterCount[]; oldestAgeSeconds: number }>(),
});

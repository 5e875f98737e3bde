/** Tells processes that live from those that died: who lives renews its lease. */
import type { Limits } from '../../contracts/limits.ts';
import type { InstanceId } from '../../contracts/ownership.ts';
import type { Transaction } from './database.ts';

export type WatchLimits = Pick<Limits, 'leaseSeconds' | 'leaseRenewalMs' | 'leaseGraceMs'>;

export type LiveSession = {
  readonly instanceId: InstanceId;
  readonly nodeId: string;
  readonly mode: 'standalone' | 'cluster';
  /** When its lease ends, as text: another one means that it was renewed. */
  readonly leaseEnd: string;
};

/** A session that lets this many renewals pass is dead, or as good as. */
const RENEWALS_MISSED = 2;
const LOOKS_PER_RENEWAL = 5;

/**
 * The sessions that are not closed and whose lease runs, or ran out just now. With `lock`, inside a transaction, they stay
 * what they are until its end: a renewal waits.
 */
export function readLive(on: Transaction, limits: WatchLimits, lock: 'lock' | 'look'): Promise<LiveSession[]> {
  return on.query<LiveSession>(
    `SELECT instance_id AS "instanceId", node_id AS "nodeId", mode, expires_at::text AS "leaseEnd" FROM node_session
     WHERE state <> 'closed' AND expires_at + $1::float8 * interval '1 millisecond' > clock_timestamp()
     ORDER BY started_at, instance_id ${lock === 'lock' ? 'FOR NO KEY UPDATE' : ''}`,
    [limits.leaseGraceMs],
  );
}

export class SessionWatch {
  readonly #silentAfterMs: number;
  readonly #pauseMs: number;
  readonly #firstSeen = new Map<InstanceId, { readonly leaseEnd: string; readonly atMs: number }>();

  constructor({ leaseRenewalMs }: WatchLimits) {
    this.#silentAfterMs = RENEWALS_MISSED * leaseRenewalMs;
    this.#pauseMs = leaseRenewalMs / LOOKS_PER_RENEWAL;
  }

  /** Takes note of those that it sees for the first time. Answers those that were renewed since. */
  renewed(live: readonly LiveSession[]): LiveSession[] {
    for (const { instanceId, leaseEnd } of live)
      if (!this.#firstSeen.has(instanceId)) this.#firstSeen.set(instanceId, { leaseEnd, atMs: performance.now() });
    return live.filter(one => this.#firstSeen.get(one.instanceId)!.leaseEnd !== one.leaseEnd);
  }

  /** Whether it has been watched for long enough and was not renewed. */
  isSilent({ instanceId, leaseEnd }: LiveSession): boolean {
    const first = this.#firstSeen.get(instanceId);
    return first?.leaseEnd === leaseEnd && performance.now() - first.atMs >= this.#silentAfterMs;
  }

  /** The time until the next look. */
  pause(): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, this.#pauseMs));
  }
}

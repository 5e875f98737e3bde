/** Tries dead letters again: each is taken for a while, so that nobody else tries it meanwhile, and what comes of it is noted. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { deviceAddress } from '../../contracts/addresses.ts';
import type { Ingress, Outcome, Uplink } from '../../contracts/uplinks.ts';
import { COLUMNS, type DeadLetterRow } from './dead-letter-rows.ts';

/** What came of one. Null: nothing, or nobody knows; it is to be tried again. */
export type Tried = {
  readonly id: string;
  readonly state: 'stored' | 'duplicate' | 'rejected';
  readonly reason: string | null;
  readonly detail: string | null;
};
/** It was never read. */
export const UNREAD = 'packet_too_large';

/** Takes one. Undefined: it was replayed, it is gone, or somebody else tries it just now. */
export async function claimOne(
  database: Database,
  tenantId: number,
  id: string,
  claimSeconds: number,
): Promise<DeadLetterRow | undefined> {
  const [row] = await database.query<DeadLetterRow>(
    `UPDATE dead_letter l SET replay_id = NULL, outcome = NULL, claimed_until = now() + make_interval(secs => $3::int)
     WHERE tenant_id = $1 AND dead_letter_id = $2 AND replayed_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
     RETURNING ${COLUMNS}`,
    [tenantId, id, claimSeconds],
  );
  return row;
}

/** It was certainly not tried, so others may. */
export async function unclaim(database: Database, tenantId: number, id: string): Promise<void> {
  await database.query('UPDATE dead_letter SET claimed_until = NULL WHERE tenant_id = $1 AND dead_letter_id = $2', [
    tenantId,
    id,
  ]);
}

export const tryAgain = (ingress: Ingress, tenant: string, row: DeadLetterRow): Promise<Outcome> =>
  new Promise(resolve => ingress.receive(uplinkAgain(tenant, row, Date.now()), resolve));

/**
 * The same uplink again. Telemetry keeps the time that it came at, because a reading without a time was made then; what changes the state
 * of the device changes it now.
 */
const uplinkAgain = (tenant: string, row: DeadLetterRow, nowMs: number): Uplink => ({
  address: deviceAddress(tenant, row.device_id),
  session: 0,
  receivedAtMs: row.kind === 'telemetry' ? row.received_at.getTime() : nowMs,
  kind: row.kind,
  topic: row.topic,
  contentType: row.content_type,
  payload: row.payload,
  again: row.dead_letter_id,
});

/** Undefined: it was not tried, or nobody knows what came of it. */
export function triedOf({ dead_letter_id: id }: DeadLetterRow, outcome: Outcome): Tried | undefined {
  if (outcome.state === 'stored' || outcome.state === 'duplicate')
    return { id, state: outcome.state, reason: null, detail: null };
  if (outcome.state === 'rejected')
    return { id, state: 'rejected', reason: outcome.reason, detail: outcome.detail.slice(0, 1_000) };
  return undefined;
}

/** Notes what came of some that `run` (null: nobody's run) has taken. Answers the states of those that nobody else took meanwhile. */
export async function noteTried(
  db: Pick<Transaction, 'query'>,
  tenantId: number,
  run: string | null,
  tried: readonly Tried[],
): Promise<Tried['state'][]> {
  const rows = await db.query<{ outcome: Tried['state'] }>(
    `UPDATE dead_letter l SET outcome = t.state, reason = coalesce(t.reason, l.reason), detail = coalesce(t.detail, l.detail),
       tried_at = now(), attempts = attempts + 1, claimed_until = NULL,
       replayed_at = CASE WHEN t.state = 'rejected' THEN l.replayed_at ELSE coalesce(l.replayed_at, now()) END
     FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) AS t (id, state, reason, detail)
     WHERE l.tenant_id = $1 AND l.dead_letter_id = t.id AND l.replay_id IS NOT DISTINCT FROM $2::uuid AND l.outcome IS NULL
     RETURNING l.outcome`,
    [
      tenantId,
      run,
      tried.map(it => it.id),
      tried.map(it => it.state),
      tried.map(it => it.reason),
      tried.map(it => it.detail),
    ],
  );
  return rows.map(it => it.outcome);
}

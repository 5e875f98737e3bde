/**
 * The turn of a run on a node: it is taken for a while, and so are its next letters; what came of them is stored together with giving the
 * run back. After a crash another node goes on: what was stored says so itself, and whatever else was taken is tried again.
 */
import type { Database } from '../../adapters/database/database.ts';
import type { DeadLetterFilter } from '../../contracts/dead-letters.contract.ts';
import { COLUMNS, type DeadLetterRow } from './dead-letter-rows.ts';
import { MATCHES, matchingParams } from './matching.ts';
import { noteTried, type Tried, UNREAD } from './trying.ts';

export type TakenReplay = {
  readonly replay_id: string;
  readonly tenant_id: number;
  readonly tenant: string;
  readonly filter: DeadLetterFilter;
  readonly within: object | null;
  readonly total: number;
  readonly done: number;
  readonly created_at: Date;
};

/** The run that is due the longest and that nobody has; undefined: there is none. */
export async function takeReplay(
  database: Database,
  instanceId: string,
  leaseSeconds: number,
): Promise<TakenReplay | undefined> {
  const [run] = await database.query<TakenReplay>(
    `UPDATE dead_letter_replay r SET instance_id = $1, due_at = now() + make_interval(secs => $2::int)
     FROM tenant WHERE tenant.tenant_id = r.tenant_id AND replay_id = (
       SELECT replay_id FROM dead_letter_replay WHERE ended_at IS NULL AND due_at <= now()
       ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING replay_id, r.tenant_id, slug AS tenant, filter, within, total, stored + duplicate + rejected AS done, r.created_at`,
    [instanceId, leaseSeconds],
  );
  return run;
}

/** Takes its next letters, the oldest first: none that came after it, and none that it was told the end of. */
export async function claimNext(
  database: Database,
  run: TakenReplay,
  claimSeconds: number,
  limit: number,
): Promise<DeadLetterRow[]> {
  const within = run.within === null ? null : JSON.stringify(run.within);
  const rows = await database.query<DeadLetterRow>(
    `UPDATE dead_letter l SET replay_id = $9, outcome = NULL, claimed_until = now() + make_interval(secs => $10::int)
     WHERE tenant_id = $1 AND dead_letter_id IN (
       SELECT l.dead_letter_id FROM dead_letter l
       WHERE l.tenant_id = $1 AND ${MATCHES} AND l.replayed_at IS NULL AND l.reason <> '${UNREAD}' AND l.received_at <= $11
         AND (l.replay_id IS DISTINCT FROM $9 OR l.outcome IS NULL)
         AND (l.claimed_until IS NULL OR l.claimed_until < now() OR l.replay_id = $9)
       ORDER BY l.received_at, l.dead_letter_id LIMIT $12 FOR UPDATE SKIP LOCKED)
     RETURNING ${COLUMNS}`,
    [
      run.tenant_id,
      ...matchingParams({ ...run.filter, replayed: false, within }),
      run.replay_id,
      claimSeconds,
      run.created_at,
      limit,
    ],
  );
  return rows.sort((a, b) => a.us - b.us || (a.dead_letter_id < b.dead_letter_id ? -1 : 1));
}

export type TurnEnd = { readonly tried: readonly Tried[]; readonly isOver: boolean; readonly pauseMs: number };

/** Stores what came of a turn, and gives the run back. False: it was another node's meanwhile, and nothing is stored. */
export const endTurn = (database: Database, instanceId: string, run: TakenReplay, end: TurnEnd): Promise<boolean> =>
  database.transaction(async tx => {
    const { replay_id: id, tenant_id: tenantId } = run;
    const [held] = await tx.query(
      'SELECT FROM dead_letter_replay WHERE replay_id = $1 AND tenant_id = $2 AND instance_id = $3 FOR UPDATE',
      [id, tenantId, instanceId],
    );
    if (held === undefined) return false;
    const states = await noteTried(tx, tenantId, id, end.tried);
    const silent = await tx.query(
      `UPDATE dead_letter SET outcome = 'stored', claimed_until = NULL, tried_at = replayed_at, attempts = attempts + 1
       WHERE tenant_id = $1 AND replay_id = $2 AND outcome IS NULL AND replayed_at IS NOT NULL RETURNING 1 AS noted`,
      [tenantId, id],
    );
    const count = (state: Tried['state']) => states.filter(it => it === state).length;
    await tx.query(
      `UPDATE dead_letter_replay SET stored = stored + $3::int, duplicate = duplicate + $4::int, rejected = rejected + $5::int,
         state = CASE WHEN state = 'running' AND $6::bool THEN 'completed' ELSE state END,
         ended_at = CASE WHEN ended_at IS NULL AND $6::bool THEN now() ELSE ended_at END,
         due_at = now() + $7::int * interval '1 ms', instance_id = NULL
       WHERE replay_id = $1 AND tenant_id = $2`,
      [
        ...[id, tenantId, count('stored') + silent.length, count('duplicate'), count('rejected')],
        ...[end.isOver, end.pauseMs],
      ],
    );
    return true;
  });

/** Runs that try many dead letters again, and how they look outside. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { DeadLetterFilter, ReplayView } from '../../contracts/dead-letters.contract.ts';
import { MATCHES, matchingParams, shownFilter } from './matching.ts';
import { UNREAD } from './trying.ts';

export type ReplayRow = {
  replay_id: string;
  filter: DeadLetterFilter;
  state: ReplayView['state'];
  total: number;
  stored: number;
  duplicate: number;
  rejected: number;
  created_at: Date;
  ended_at: Date | null;
};
const COLUMNS = 'replay_id, filter, state, total, stored, duplicate, rejected, created_at, ended_at';

export const replayView = (row: ReplayRow): ReplayView => ({
  id: row.replay_id,
  state: row.state,
  filter: shownFilter(row.filter),
  total: row.total,
  pending: row.state === 'running' ? Math.max(0, row.total - row.stored - row.duplicate - row.rejected) : 0,
  stored: row.stored,
  duplicate: row.duplicate,
  rejected: row.rejected,
  createdAt: row.created_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
});

export type NewReplay = {
  readonly id: string;
  readonly tenantId: number;
  readonly filter: DeadLetterFilter;
  readonly within: string | null;
  readonly requestedBy: string;
  readonly maxLetters: number;
};

/** One for nothing has ended when it begins. Rejects (`duplicate_key`) while the tenant has one that has not ended. */
export async function insertReplay(tx: Transaction, it: NewReplay): Promise<ReplayRow> {
  const matching = { ...it.filter, replayed: false, within: it.within };
  const [row] = await tx.query<ReplayRow>(
    `INSERT INTO dead_letter_replay (replay_id, tenant_id, filter, within, state, ended_at, total, requested_by)
     SELECT $9::uuid, $1, $10::text::jsonb, $8::text::jsonb, CASE count(*) WHEN 0 THEN 'completed' ELSE 'running' END,
       CASE count(*) WHEN 0 THEN now() END, count(*), $11 FROM (
       SELECT FROM dead_letter l WHERE l.tenant_id = $1 AND ${MATCHES} AND l.reason <> '${UNREAD}' LIMIT $12) AS fitting
     RETURNING ${COLUMNS}`,
    [it.tenantId, ...matchingParams(matching), it.id, JSON.stringify(it.filter), it.requestedBy, it.maxLetters],
  );
  return row!;
}

/** Who is limited to some devices sees the runs of those who are limited in the same way. */
const SEEN = '($2::text IS NULL OR within = $2::text::jsonb)';

export async function findReplay(
  database: Database,
  tenantId: number,
  within: string | null,
  id: string,
): Promise<ReplayRow | undefined> {
  const [row] = await database.query<ReplayRow>(
    `SELECT ${COLUMNS} FROM dead_letter_replay WHERE tenant_id = $1 AND ${SEEN} AND replay_id = $3`,
    [tenantId, within, id],
  );
  return row;
}

export const listReplays = (
  database: Database,
  tenantId: number,
  within: string | null,
  before: string | undefined,
  limit: number,
): Promise<ReplayRow[]> =>
  database.query<ReplayRow>(
    `SELECT ${COLUMNS} FROM dead_letter_replay
     WHERE tenant_id = $1 AND ${SEEN} AND ($3::uuid IS NULL OR replay_id < $3) ORDER BY replay_id DESC LIMIT $4`,
    [tenantId, within, before ?? null, limit],
  );

export async function cancelReplay(tx: Transaction, tenantId: number, id: string): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE dead_letter_replay SET state = 'cancelled', ended_at = now()
     WHERE tenant_id = $1 AND replay_id = $2 AND ended_at IS NULL RETURNING 1 AS ended`,
    [tenantId, id],
  );
  return rows.length > 0;
}

/** Rows of jobs, and how they look outside. Each statement names its tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import type { CommandState } from '../../contracts/commands.ts';
import type { ItemState, JobItemView, JobKind, JobState, JobSummary, JobView } from '../../contracts/jobs.contract.ts';

export type Querying = Pick<Transaction, 'query'>;

export const COLUMNS = 'job_id, kind, target, state, total, pending, done, refused, created_at, ended_at';

export type JobRow = {
  job_id: string;
  kind: JobKind;
  target: JobSummary['target'];
  state: JobState;
  total: number;
  pending: number;
  done: number;
  refused: number;
  created_at: Date;
  ended_at: Date | null;
};
export type WholeJobRow = JobRow & { request: JobView['request'] };

export const jobSummary = (row: JobRow): JobSummary => ({
  id: row.job_id,
  kind: row.kind,
  state: row.state,
  target: row.target,
  total: row.total,
  pending: row.pending,
  done: row.done,
  refused: row.refused,
  createdAt: row.created_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
});

export async function readJob(db: Querying, tenantId: number, id: string): Promise<WholeJobRow | undefined> {
  const [row] = await db.query<WholeJobRow>(
    `SELECT ${COLUMNS}, request FROM job WHERE tenant_id = $1 AND job_id = $2`,
    [tenantId, id],
  );
  return row;
}

/** With how its commands are now. */
export async function jobView(db: Querying, tenantId: number, row: WholeJobRow): Promise<JobView> {
  const commands = row.kind === 'command' ? await countCommands(db, tenantId, row.job_id) : null;
  return { ...jobSummary(row), request: row.request, commands };
}

async function countCommands(db: Querying, tenantId: number, jobId: string): Promise<JobView['commands']> {
  const rows = await db.query<{ state: CommandState; commands: number }>(
    'SELECT state, count(*)::int AS commands FROM command WHERE job_id = $2 AND tenant_id = $1 GROUP BY state',
    [tenantId, jobId],
  );
  return Object.fromEntries(rows.map(it => [it.state, it.commands]));
}

export const listJobs = (
  db: Querying,
  tenantId: number,
  state: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<JobRow[]> =>
  db.query<JobRow>(
    `SELECT ${COLUMNS} FROM job
     WHERE tenant_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR job_id < $3)
     ORDER BY job_id DESC LIMIT $4`,
    [tenantId, state ?? null, before ?? null, limit],
  );

export type ItemRow = {
  device_uid: number;
  device_id: string;
  state: ItemState;
  command_id: string | null;
  reason: string | null;
  detail: string | null;
};

export const itemView = (row: ItemRow): JobItemView => ({
  deviceId: row.device_id,
  state: row.state,
  commandId: row.command_id,
  reason: row.reason,
  detail: row.detail,
});

/** Of a job that was found by its tenant. */
export const listItems = (
  db: Querying,
  jobId: string,
  state: string | undefined,
  after: number,
  limit: number,
): Promise<ItemRow[]> =>
  db.query<ItemRow>(
    `SELECT device_uid, device_id, job_item.state, command_id, reason, detail FROM job_item JOIN device USING (device_uid)
     WHERE job_id = $1 AND ($2::text IS NULL OR job_item.state = $2) AND device_uid > $3 ORDER BY device_uid LIMIT $4`,
    [jobId, state ?? null, after, limit],
  );

/**
 * What is pending stays undone from now on; what waits of its commands is cancelled by the next turn of the job. Whoever has the job
 * just now keeps it until the end of its turn, so that what it did is not forgotten.
 */
export async function cancelJob(db: Querying, tenantId: number, id: string): Promise<void> {
  await db.query(
    `UPDATE job SET state = 'cancelled', ended_at = NULL, position = 0
     WHERE tenant_id = $1 AND job_id = $2 AND (state = 'running' OR (state = 'completed' AND EXISTS (
       SELECT FROM command WHERE command.job_id = $2 AND command.tenant_id = $1 AND command.state = 'queued')))`,
    [tenantId, id],
  );
}

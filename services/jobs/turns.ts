/**
 * A job's turn on a node: it is taken for a while, some of its items are done, and what came of them is stored together with giving it
 * back. A turn that took longer than the job was its own stores nothing: then another node has the job, and does the same items again.
 */
import type { Database } from '../../adapters/database/database.ts';
import type { JobKind, JobState } from '../../contracts/jobs.contract.ts';
import type { JobRequest } from './new-jobs.ts';

export type TakenJob = {
  readonly job_id: string;
  readonly tenant_id: number;
  readonly tenant: string;
  readonly kind: JobKind;
  readonly request: JobRequest;
  readonly state: JobState;
  readonly position: number;
  readonly requested_by: string;
  readonly created_at: Date;
};

/** The job that is due the longest and that nobody has; undefined: there is none. */
export async function takeJob(
  database: Database,
  instanceId: string,
  leaseSeconds: number,
): Promise<TakenJob | undefined> {
  const [job] = await database.query<TakenJob>(
    `UPDATE job SET instance_id = $1, due_at = now() + make_interval(secs => $2::int)
     FROM tenant WHERE tenant.tenant_id = job.tenant_id AND job_id = (
       SELECT job_id FROM job WHERE ended_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING job_id, job.tenant_id, slug AS tenant, kind, request, job.state, position, requested_by, job.created_at`,
    [instanceId, leaseSeconds],
  );
  return job;
}

/** Keeps a job for longer. */
export async function keepJob(
  database: Database,
  instanceId: string,
  jobId: string,
  leaseSeconds: number,
): Promise<void> {
  await database.query(
    `UPDATE job SET due_at = now() + make_interval(secs => $3::int) WHERE job_id = $1 AND instance_id = $2`,
    [jobId, instanceId, leaseSeconds],
  );
}

/** Ends an item. `reason` is null when it is done. */
export type ItemEnd = { readonly deviceUid: number; readonly reason: string | null; readonly detail: string | null };
export type TurnEnd = {
  readonly ends: readonly ItemEnd[];
  /** Where the next turn goes on; 0: at the beginning. */
  readonly position: number;
  readonly pauseMs: number;
  /** The pause when it was cancelled meanwhile: what may still become a command has to be one before its commands are cancelled. */
  readonly cancelPauseMs: number;
  /** There is nothing left to cancel. */
  readonly isCancelled: boolean;
};

/** Stores what came of a turn, and gives the job back. False when it was another node's meanwhile: then nothing is stored. */
export const endTurn = (database: Database, instanceId: string, job: TakenJob, end: TurnEnd): Promise<boolean> =>
  database.transaction(async tx => {
    const [held] = await tx.query<{ state: JobState }>(
      'SELECT state FROM job WHERE job_id = $1 AND instance_id = $2 FOR UPDATE',
      [job.job_id, instanceId],
    );
    if (held === undefined) return false;
    const isSame = held.state === job.state;
    const ended = await tx.query<{ state: string }>(
      `UPDATE job_item SET state = CASE WHEN it.reason IS NULL THEN 'done' ELSE 'refused' END, reason = it.reason, detail = it.detail
       FROM unnest($2::bigint[], $3::text[], $4::text[]) AS it (device_uid, reason, detail)
       WHERE job_id = $1 AND job_item.device_uid = it.device_uid AND state = 'pending' RETURNING state`,
      [job.job_id, end.ends.map(it => it.deviceUid), end.ends.map(it => it.reason), end.ends.map(it => it.detail)],
    );
    const done = ended.filter(it => it.state === 'done').length;
    await tx.query(
      `UPDATE job SET pending = pending - $2::int, done = done + $3::int, refused = refused + $2::int - $3::int,
         state = CASE WHEN state = 'running' AND pending = $2::int THEN 'completed' ELSE state END,
         ended_at = CASE WHEN $6::bool OR (state = 'running' AND pending = $2::int) THEN now() END,
         position = $4, due_at = now() + $5::int * interval '1 ms', instance_id = NULL
       WHERE job_id = $1`,
      [
        job.job_id,
        ended.length,
        done,
        // One that was cancelled during its turn begins with its first command.
        isSame ? end.position : 0,
        isSame ? end.pauseMs : end.cancelPauseMs,
        isSame && end.isCancelled,
      ],
    );
    return true;
  });

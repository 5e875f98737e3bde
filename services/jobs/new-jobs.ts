/** Stores a job and what it has to do, all of it or nothing. */
import type { Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { JobTarget } from '../../contracts/jobs.contract.ts';
import { isJsonObject, type JsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkJson } from '../../mixins/bounded-json.ts';
import { type CommandWish, wishOf } from '../../mixins/command-orders.ts';
import { COLUMNS, type WholeJobRow } from './job-rows.ts';
import { conditionOf, shownTarget, tooMany } from './targets.ts';

/** What each device is asked, as it is stored. */
export type JobRequest = { readonly command: CommandWish } | { readonly desired: { readonly patch: JsonObject } };

type Said = { readonly command?: JsonObject; readonly desired?: JsonObject };

/** Rejects with `invalid_request` or `too_large`. */
export function requestOf({ command, desired }: Said, limits: Limits): JobRequest {
  if ((command == null) === (desired == null))
    throw new SkeinError('invalid_request', 'A job has either command or desired');
  if (command != null) return { command: wishOf(command, limits) };
  const { patch, ...rest } = desired!;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new SkeinError('invalid_request', `${unknown.slice(0, 100)} is not known here`);
  if (!isJsonObject(patch)) throw new SkeinError('invalid_request', 'patch must be an object');
  checkJson('The patch', patch, limits.messageMaxBytes, limits.twinMaxDepth);
  return { desired: { patch } };
}

export type NewJob = {
  readonly id: string;
  readonly tenantId: number;
  readonly target: JobTarget;
  readonly request: JobRequest;
  readonly requestedBy: string;
  /** Only devices that fit, for the function `device_fits` of the database; null: all that the target means. */
  readonly within: string | null;
  readonly createdAtMs: number;
};

/** Rejects with `not_found` when the target is not there, with `too_large` when it means more devices than a job may have. */
export async function insertJob(tx: Transaction, job: NewJob, jobMaxDevices: number): Promise<WholeJobRow> {
  const { id, tenantId, target, request, requestedBy, within, createdAtMs } = job;
  const kind = 'command' in request ? 'command' : 'desired';
  const condition = await conditionOf(tx, tenantId, target, within);
  await tx.query(
    `INSERT INTO job (job_id, tenant_id, kind, target, request, state, total, pending, requested_by, created_at, due_at)
     VALUES ($1, $2, $3, $4::text::jsonb, $5::text::jsonb, 'running', 0, 0, $6, $7, now())`,
    [
      id,
      tenantId,
      kind,
      JSON.stringify(shownTarget(target)),
      JSON.stringify(request),
      requestedBy,
      new Date(createdAtMs),
    ],
  );
  const [{ items } = { items: 0 }] = await tx.query<{ items: number }>(
    `WITH made AS (
       INSERT INTO job_item (job_id, device_uid, command_id)
       SELECT $3::uuid, device_uid, CASE WHEN $6::bool THEN ${UUID_V7} END
       FROM device d WHERE tenant_id = $1 AND state <> 'decommissioned' AND ${condition.sql}
         AND ($7::text IS NULL OR device_fits(d, $7::text::jsonb)) LIMIT $5 RETURNING 1)
     SELECT count(*)::int AS items FROM made`,
    [
      tenantId,
      condition.value,
      id,
      createdAtMs.toString(16).padStart(12, '0'),
      jobMaxDevices + 1,
      kind === 'command',
      within,
    ],
  );
  if (items > jobMaxDevices) throw tooMany(jobMaxDevices);
  const [row] = await tx.query<WholeJobRow>(
    `UPDATE job SET total = $2::int, pending = $2::int, state = CASE WHEN $2::int = 0 THEN 'completed' ELSE state END,
       ended_at = CASE WHEN $2::int = 0 THEN created_at END
     WHERE job_id = $1 RETURNING ${COLUMNS}, request`,
    [id, items],
  );
  return row!;
}

/** RFC 9562, section 5.7: a random one (version 4) whose first 48 bits are the time, `$4`, and whose version is 7. */
const UUID_V7 = `overlay(overlay(replace(gen_random_uuid()::text, '-', '') placing $4::text from 1 for 12) placing '7' from 13 for 1)::uuid`;

/** The parts of a job that a turn takes: its next items, or the next of its commands that are to be cancelled. */
import type { Database } from '../../adapters/database/database.ts';
import type { Item } from './doing.ts';
import type { TakenJob } from './turns.ts';

type ItemRow = {
  device_uid: number;
  device_id: string;
  command_id: string | null;
  type: string | null;
  version: number;
  updated_at: Date;
};

/** Pending ones, by device, after the job's position. */
export async function nextItems(database: Database, job: TakenJob, limit: number): Promise<Item[]> {
  const rows = await database.query<ItemRow>(
    `SELECT i.device_uid, device_id, i.command_id, t.name AS type, t.version, t.updated_at
     FROM job_item i JOIN device d ON d.device_uid = i.device_uid
     LEFT JOIN device_type t ON t.tenant_id = $4 AND t.name = d.device_type AND t.commands IS NOT NULL
     WHERE i.job_id = $1 AND i.state = 'pending' AND i.device_uid > $2 ORDER BY i.device_uid LIMIT $3`,
    [job.job_id, job.position, limit, job.tenant_id],
  );
  return rows.map(({ device_uid, device_id, command_id, type, version, updated_at }) => ({
    deviceUid: device_uid,
    deviceId: device_id,
    commandId: command_id,
    type:
      type === null ? undefined : { tenantId: job.tenant_id, name: type, version, changedAtMs: updated_at.getTime() },
  }));
}

export type Queued = { readonly device_uid: number; readonly device_id: string; readonly command_id: string };

/** Commands of the job that wait, by device, after the job's position. */
export const nextQueued = (database: Database, job: TakenJob, limit: number): Promise<Queued[]> =>
  database.query<Queued>(
    `SELECT i.device_uid, device_id, i.command_id
     FROM job_item i JOIN command c ON c.command_id = i.command_id JOIN device d ON d.device_uid = i.device_uid
     WHERE i.job_id = $1 AND i.device_uid > $2 AND c.tenant_id = $4 AND c.state = 'queued' ORDER BY i.device_uid LIMIT $3`,
    [job.job_id, job.position, limit, job.tenant_id],
  );

/** Items that were done without anybody remembering it: a node ended between a command's commit and the end of its turn. */
export async function forgottenItems(database: Database, job: TakenJob, limit: number): Promise<number[]> {
  const rows = await database.query<{ device_uid: number }>(
    `SELECT i.device_uid FROM job_item i JOIN command c ON c.command_id = i.command_id
     WHERE i.job_id = $1 AND i.state = 'pending' LIMIT $2`,
    [job.job_id, limit],
  );
  return rows.map(it => it.device_uid);
}

import { randomUUID } from 'node:crypto';
import type { Database } from './database.ts';

/** Closed sessions are kept for this long, for whoever wants to know what happened. */
const KEEP_DAYS = 7;

/**
 * Opens the session of this run of the process, with its lanes, and closes every other one: after that no write of an older
 * process can commit, whatever it believes. Closing a lane waits for its transaction in flight.
 *
 * @returns the instance id that the lanes of this process write under
 */
export async function openInstance(database: Database, nodeId: string, lanes: number): Promise<string> {
  const instanceId = randomUUID();
  await database.transaction(async tx => {
    await tx.query(`UPDATE node_session SET state = 'closed', closed_at = now() WHERE state = 'open'`);
    await tx.query(`UPDATE node_lane SET open = false WHERE open`);
    const old = `SELECT instance_id FROM node_session WHERE closed_at < now() - $1::int4 * interval '1 day'`;
    await tx.query(`DELETE FROM node_lane WHERE instance_id IN (${old})`, [KEEP_DAYS]);
    await tx.query(`DELETE FROM node_session WHERE closed_at < now() - $1::int4 * interval '1 day'`, [KEEP_DAYS]);
    await tx.query(`INSERT INTO node_session (instance_id, node_id, state) VALUES ($1, $2, 'open')`, [
      instanceId,
      nodeId,
    ]);
    await tx.query(
      `INSERT INTO node_lane (instance_id, lane, open) SELECT $1, lane, true FROM generate_series(0, $2::int4 - 1) AS lane`,
      [instanceId, lanes],
    );
  });
  return instanceId;
}

/** Closes the session at the end of an orderly stop. */
export async function closeInstance(database: Database, instanceId: string): Promise<void> {
  await database.transaction(async tx => {
    await tx.query(`UPDATE node_lane SET open = false WHERE instance_id = $1`, [instanceId]);
    await tx.query(`UPDATE node_session SET state = 'closed', closed_at = now() WHERE instance_id = $1`, [instanceId]);
  });
}

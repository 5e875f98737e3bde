/** Reads what is stored of twins, past the server. */
import type { Connection } from '../../../bench/measure/stored.ts';
import type { Counted, Step } from './twin-account.ts';

const STEPS_SQL = `SELECT t.version::float8 AS version, patch FROM twin_step t JOIN device USING (device_uid)
  WHERE device_id = $1 AND document = $2 ORDER BY t.version`;
const EVENTS_SQL = `SELECT (data ->> 'version')::float8 AS version, data -> 'patch' AS patch FROM event JOIN device USING (device_uid)
  WHERE device_id = $1 AND kind = 'device.update' AND data ->> 'document' = $2 ORDER BY tx, event_id`;

export async function readCounter(
  connection: Pick<Connection, 'query'>,
  deviceId: string,
  document: Counted['document'],
): Promise<Counted['stored']> {
  const [row] = await connection.query(
    `SELECT ${document}_version::float8 AS version, coalesce((${document} ->> 'counter')::float8, 0) AS counter
     FROM device_twin JOIN device USING (device_uid) WHERE device_id = $1`,
    [deviceId],
  );
  return {
    version: (row?.version as number | undefined) ?? 0,
    counter: (row?.counter as number | undefined) ?? 0,
    steps: (await connection.query(STEPS_SQL, [deviceId, document])) as Step[],
    events: (await connection.query(EVENTS_SQL, [deviceId, document])) as Step[],
  };
}

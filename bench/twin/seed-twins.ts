/** Gives every device a twin by one statement, and everyone the same documents but for the serial number. */
import type { Connection } from '../measure/stored.ts';
import { DESIRED, REPORTED, timesOf } from './twin-documents.ts';

const SEED_SQL = `
INSERT INTO device_twin (device_uid, reported, reported_version, reported_times, desired, desired_version, desired_times, updated_at)
SELECT device_uid, jsonb_set($1::jsonb, '{hardware,serial}', to_jsonb(device_id)), 1, $2::json, $3::jsonb, 1, $4::json, now()
FROM device`;
/** For the reference: nothing but a key, the two documents and a version. */
const PLAIN_SQL = [
  'CREATE TABLE plain_twin (device_uid bigint PRIMARY KEY, reported jsonb NOT NULL, desired jsonb NOT NULL, version bigint NOT NULL) WITH (fillfactor = 70)',
  'INSERT INTO plain_twin SELECT device_uid, reported, desired, 1 FROM device_twin',
];
/** A database that has been in use has its statistics, and its pages are on the disk. */
const SETTLE_SQL = ['VACUUM ANALYZE device', 'VACUUM ANALYZE device_twin', 'VACUUM ANALYZE plain_twin', 'CHECKPOINT'];

/** Answers the first uid of them; the others follow it without a gap. */
export async function seedTwins(connection: Connection, devices: number): Promise<number> {
  const atMs = Date.now();
  const params = [REPORTED, timesOf(REPORTED, atMs), DESIRED, timesOf(DESIRED, atMs)].map(it => JSON.stringify(it));
  await connection.query(SEED_SQL, params);
  for (const sql of [...PLAIN_SQL, ...SETTLE_SQL]) await connection.query(sql);
  const [row] = await connection.query(
    'SELECT min(device_uid)::float8 AS first, max(device_uid)::float8 AS last FROM device_twin',
  );
  const { first, last } = row as { first: number; last: number };
  if (last - first + 1 !== devices) throw new Error(`The uids of ${devices} twins go from ${first} to ${last}`);
  return first;
}

/** How many changes of twins were ever stored: each makes one version. */
export async function countVersions(connection: Connection): Promise<number> {
  const [row] = await connection.query('SELECT sum(reported_version)::float8 AS versions FROM device_twin');
  return row!.versions as number;
}

/** Reads what is stored, past the system that stored it: the same for `bare` and for Skein. */
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';

export type Place =
  | { readonly engine: 'postgres'; readonly url: string }
  | { readonly engine: 'pglite'; readonly folder: string };

type Rows = Record<string, unknown>[];
/** A connection of our own to a database. A PGlite folder must not be in use by a process. */
export type Connection = { query(sql: string, params?: unknown[]): Promise<Rows>; close(): Promise<void> };

export async function connectTo(place: Place): Promise<Connection> {
  if (place.engine === 'pglite') {
    const database = await PGlite.create(place.folder);
    return {
      query: async (sql, params) => (await database.query(sql, params)).rows as Rows,
      close: () => database.close(),
    };
  }
  const client = new pg.Client(place.url);
  await client.connect();
  return { query: async (sql, params) => (await client.query(sql, params)).rows as Rows, close: () => client.end() };
}

/** Three values a message. */
const ROWS_PER_MESSAGE = 3;

/** How many messages with a timestamp of [fromMs, toMs) are stored, by their rows. */
export async function countMessages(connection: Connection, fromMs: number, toMs: number): Promise<number> {
  const [row] = await connection.query(
    'SELECT count(*)::int AS count FROM telemetry WHERE ts >= to_timestamp($1::float8 / 1000) AND ts < to_timestamp($2::float8 / 1000)',
    [fromMs, toMs],
  );
  return (row!.count as number) / ROWS_PER_MESSAGE;
}

/** All that is stored of one device at one time. A value is null when its row is missing. */
export type StoredMessage = {
  readonly tsMs: number;
  readonly rows: number;
  readonly temperature: number | null;
  readonly humidity: number | null;
  readonly pressure: number | null;
};

/** Names of devices and measurements to the ids in `telemetry`. */
export type Ids = { readonly device: (deviceId: string) => number; readonly measurements: readonly number[] };

/** `bare` has no tables of names: its device `d<number>` has the uid of its number, its measurements are 1, 2, 3. */
export const BARE_IDS: Ids = { device: id => Number(id.slice(1)), measurements: [1, 2, 3] };

export async function readIds(connection: Connection): Promise<Ids> {
  const devices = await connection.query('SELECT device_id, device_uid::float8 AS uid FROM device');
  const uids = new Map(devices.map(row => [row.device_id as string, row.uid as number]));
  const rows = await connection.query('SELECT name, measurement_id FROM measurement');
  const measurements = new Map(rows.map(row => [row.name as string, row.measurement_id as number]));
  return {
    device: id => uids.get(id) ?? -1,
    measurements: ['temperature', 'humidity', 'pressure'].map(name => measurements.get(name) ?? -1),
  };
}

export async function readMessages(connection: Connection, ids: Ids, deviceId: string): Promise<StoredMessage[]> {
  const rows = await connection.query(
    `SELECT (extract(epoch FROM ts) * 1000)::float8 AS ts_ms, count(*)::int AS rows,
            max(value) FILTER (WHERE measurement_id = $2) AS temperature,
            max(value) FILTER (WHERE measurement_id = $3) AS humidity,
            max(value) FILTER (WHERE measurement_id = $4) AS pressure
       FROM telemetry WHERE device_uid = $1 GROUP BY ts`,
    [ids.device(deviceId), ...ids.measurements],
  );
  return rows.map(row => ({
    tsMs: row.ts_ms as number,
    rows: row.rows as number,
    temperature: row.temperature as number | null,
    humidity: row.humidity as number | null,
    pressure: row.pressure as number | null,
  }));
}

/** The same table as Skein's, so that the database has the same work. */
export const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS telemetry (
  device_uid int NOT NULL, measurement_id int NOT NULL, ts timestamptz NOT NULL, value float8, quality smallint, flags smallint,
  value_json jsonb,
  PRIMARY KEY (device_uid, measurement_id, ts))`;

export const copyInto = (table: string, from: string): string =>
  `COPY ${table} (device_uid, measurement_id, ts, value) FROM ${from} WITH (FORMAT binary)`;

/** The second way, for a batch with a datapoint that is stored already, because its message was sent again. */
export const SPARE_TABLE = 'CREATE TEMPORARY TABLE IF NOT EXISTS spare (LIKE telemetry)';
export const FROM_SPARE = 'INSERT INTO telemetry SELECT * FROM spare ON CONFLICT DO NOTHING; TRUNCATE spare';
export const DUPLICATE_KEY = '23505';

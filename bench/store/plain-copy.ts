/** The reference of the writer: rows that are encoded already, by COPY in a transaction of its own, and nothing else. */
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { TELEMETRY_COLUMNS } from '../../adapters/database/telemetry/copy-encoder.ts';

export interface PlainCopy {
  write(rows: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

const copyInto = (table: string, from: string): string =>
  `COPY ${table} (${TELEMETRY_COLUMNS.join(', ')}) FROM ${from} WITH (FORMAT binary)`;

export async function plainCopyToServer(url: string, table: string): Promise<PlainCopy> {
  const client = new pg.Client(url);
  await client.connect();
  return {
    write: rows =>
      new Promise((resolve, reject) => {
        const stream = client.query(copyFrom(copyInto(table, 'STDIN')));
        stream.once('error', reject).once('finish', resolve).end(rows);
      }),
    close: () => client.end(),
  };
}

const CREATE_TABLE = `CREATE TABLE telemetry (
  device_uid int NOT NULL, measurement_id int NOT NULL, ts timestamptz NOT NULL, value float8, quality smallint, flags smallint,
  value_json jsonb, PRIMARY KEY (device_uid, measurement_id, ts))`;

/** In the thread of the benchmark: that is the fastest there is. */
export async function plainCopyToPglite(folder: string): Promise<PlainCopy> {
  const database = await PGlite.create(folder);
  await database.exec(CREATE_TABLE);
  return {
    write: async rows => {
      await database.query(copyInto('telemetry', `'/dev/blob'`), [], { blob: new Blob([new Uint8Array(rows)]) });
    },
    close: () => database.close(),
  };
}

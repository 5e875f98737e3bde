/** The reference for durable updates: one leaf of one row by its key, by hand-written SQL, and nothing around it. */
import pg from 'pg';
import { closedLoop, type LoopFigures } from '../load/closed-loop.ts';

export type UpdateOptions = {
  readonly databaseUrl: string;
  readonly firstUid: number;
  readonly devices: number;
  /** Connections with one transaction at a time. */
  readonly writers: number;
  /** Rows, each of another device. 1: each change has a transaction of its own. */
  readonly rowsPerTransaction: number;
  readonly seconds: number;
};

const CHANGE = `UPDATE plain_twin SET reported = jsonb_set(reported, '{measured,temperature}', change.value), version = version + 1`;
const ONE = {
  name: 'one',
  text: `${CHANGE} FROM (SELECT $2::jsonb AS value) change WHERE device_uid = $1`,
};
const MANY = {
  name: 'many',
  text: `${CHANGE} FROM unnest($1::int8[], $2::jsonb[]) AS change (uid, value) WHERE device_uid = change.uid`,
};

/** `count` and `latency` are of transactions. */
export async function updatePlainly(options: UpdateOptions): Promise<LoopFigures> {
  const { databaseUrl, writers, rowsPerTransaction, seconds } = options;
  const clients = Array.from({ length: writers }, () => new pg.Client(databaseUrl));
  await Promise.all(clients.map(client => client.connect()));
  let changes = 0;
  const value = () => String(++changes);
  try {
    return await closedLoop(writers, seconds, async writer => {
      const uids = someUids(options, writer);
      const { rowCount } =
        rowsPerTransaction === 1
          ? await clients[writer]!.query({ ...ONE, values: [uids[0], value()] })
          : await clients[writer]!.query({ ...MANY, values: [uids, uids.map(value)] });
      if (rowCount !== rowsPerTransaction) throw new Error(`${rowCount} rows changed`);
    });
  } finally {
    await Promise.all(clients.map(client => client.end()));
  }
}

/** Each writer has devices of its own, or two of them would wait for each other, perhaps for ever. */
function someUids({ firstUid, devices, writers, rowsPerTransaction }: UpdateOptions, writer: number): number[] {
  const own = Math.floor(devices / writers);
  const uids = new Set<number>();
  while (uids.size < rowsPerTransaction) uids.add(firstUid + writer + writers * Math.floor(Math.random() * own));
  return [...uids];
}

/** The references for reads: the same JSON by its key from Redis, and the row by its key from PostgreSQL. */
import { Redis } from 'ioredis';
import pg from 'pg';
import { type TwinRow, twinOf } from '../../adapters/database/twins.ts';
import { twinView } from '../../services/twins/twin-rows.ts';
import { closedLoop, type LoopFigures } from '../load/closed-loop.ts';

export type ReadOptions = {
  readonly redisPort: number;
  readonly databaseUrl: string;
  readonly firstUid: number;
  readonly devices: number;
  readonly underWay: number;
  readonly seconds: number;
};

const ROWS_PER_QUERY = 5_000;
/** As many as Skein has: `databaseConnections`. */
const CONNECTIONS = 8;
const COLUMNS = `reported, reported_version::float8, reported_times, desired, desired_version::float8, desired_times`;
const SELECT = { name: 'twin', text: `SELECT ${COLUMNS} FROM device_twin WHERE device_uid = $1` };

const redisAt = (port: number): Redis => new Redis({ port, host: '127.0.0.1' });
const randomUid = ({ firstUid, devices }: ReadOptions): number => firstUid + Math.floor(Math.random() * devices);

/** What `twins.get` answers, of every device. Answers the process id of the server and the bytes of one value. */
export async function fillRedis(options: ReadOptions): Promise<{ readonly pid: number; readonly bytes: number }> {
  const [redis, client] = [redisAt(options.redisPort), new pg.Client(options.databaseUrl)];
  await client.connect();
  let bytes = 0;
  try {
    for (let from = options.firstUid; from < options.firstUid + options.devices; from += ROWS_PER_QUERY) {
      const { rows } = await client.query(
        `SELECT device_uid, device_id, ${COLUMNS} FROM device_twin JOIN device USING (device_uid) WHERE device_uid >= $1 AND device_uid < $2`,
        [from, from + ROWS_PER_QUERY],
      );
      const pipeline = redis.pipeline();
      for (const row of rows as (TwinRow & { device_uid: string; device_id: string })[]) {
        const text = JSON.stringify(twinView(row.device_id, twinOf(row)!));
        bytes = Buffer.byteLength(text);
        pipeline.set(`twin:${row.device_uid}`, text);
      }
      await pipeline.exec();
    }
    return { pid: Number(/process_id:(\d+)/.exec(await redis.info('server'))![1]), bytes };
  } finally {
    redis.disconnect();
    await client.end();
  }
}

/** @param read what is made of a text that was found */
export async function readRedis(options: ReadOptions, read: (text: string) => unknown): Promise<LoopFigures> {
  const redis = redisAt(options.redisPort);
  try {
    return await closedLoop(options.underWay, options.seconds, async () => {
      const text = await redis.get(`twin:${randomUid(options)}`);
      if (text === null) throw new Error('A device without its twin');
      read(text);
    });
  } finally {
    redis.disconnect();
  }
}

export async function readRows(options: ReadOptions): Promise<LoopFigures> {
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: CONNECTIONS });
  try {
    return await closedLoop(options.underWay, options.seconds, async () => {
      const { rows } = await pool.query({ ...SELECT, values: [randomUid(options)] });
      if (rows.length !== 1) throw new Error('A device without its twin');
    });
  } finally {
    await pool.end();
  }
}

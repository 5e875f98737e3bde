/** How many bytes a datapoint takes on the disk, index included, before and after compression. */
import { TELEMETRY_COLUMNS, TelemetryCopy } from '../../adapters/database/telemetry/copy-encoder.ts';
import { dayOf } from '../../adapters/database/telemetry/days.ts';
import { packKeys } from '../../adapters/database/telemetry/packing.ts';
import { TelemetryPartitions } from '../../adapters/database/telemetry/partitions.ts';
import { valueAt } from './batches.ts';
import { addDevices, type StoreHome } from './store-home.ts';

export type Sizes = {
  readonly datapoints: number;
  readonly tableBytes: number;
  readonly indexBytes: number;
  readonly bytesPerDatapoint: number;
  /** When its day is over, and its key was made anew. Null: the engine does not. */
  readonly packedBytesPerDatapoint: number | null;
  /** Null: the engine does not compress. */
  readonly compressedBytesPerDatapoint: number | null;
};

const DEVICES = 200;
const EVERY_SECONDS = 10;
/** A whole day of each: 1,728,000 messages would be too many for one process to hold, so it goes in steps. */
const STEPS = 86_400 / EVERY_SECONDS;
const STEPS_AT_ONCE = 50;

/** Devices that send three values every ten seconds for a day, all at once, as they come in. */
export async function measureSizes(home: StoreHome): Promise<Sizes> {
  const { database } = home;
  const fleet = await addDevices(home, DEVICES);
  const dayMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const partitions = new TelemetryPartitions(database, 'telemetry');
  await partitions.make([dayOf(dayMs * 1_000)]);
  const table = partitions.get(dayOf(dayMs * 1_000))!;
  const lane = database.lane('sizes');
  for (let step = 0; step < STEPS; step += STEPS_AT_ONCE) {
    const copy = new TelemetryCopy(STEPS_AT_ONCE * DEVICES * 3);
    for (let now = step; now < Math.min(step + STEPS_AT_ONCE, STEPS); now++)
      fleet.uids.forEach((uid, device) => {
        // Each has its own phase, and clocks that are not exact.
        const tsUs =
          (dayMs + now * EVERY_SECONDS * 1_000 + (device % 10) * 1_000) * 1_000 +
          ((now * 7919 + device * 104_729) % 20_000);
        fleet.measurementIds.forEach((id, at) => {
          copy.add(uid, id, { tsUs, value: valueAt(device, at, now), json: null, quality: null, flags: 0 });
        });
      });
    await lane.commit([{ kind: 'copy', table, columns: TELEMETRY_COLUMNS, data: copy.finish() }]);
  }
  await lane.close();
  const datapoints = STEPS * DEVICES * 3;
  const before = await bytesOf(home, table);
  const packed = home.engine === 'timescale' ? null : await pack(home, table, dayMs);
  const compressed = home.engine === 'timescale' ? await compress(home) : null;
  return {
    datapoints,
    ...before,
    bytesPerDatapoint: (before.tableBytes + before.indexBytes) / datapoints,
    packedBytesPerDatapoint: packed === null ? null : packed / datapoints,
    compressedBytesPerDatapoint: compressed === null ? null : compressed / datapoints,
  };
}

async function bytesOf({ database, engine }: StoreHome, table: string) {
  if (engine !== 'timescale') {
    const [row] = await database.query<{ table_bytes: number; index_bytes: number }>(
      `SELECT pg_table_size($1::regclass)::int8 AS table_bytes, pg_indexes_size($1::regclass)::int8 AS index_bytes`,
      [table],
    );
    return { tableBytes: row!.table_bytes, indexBytes: row!.index_bytes };
  }
  const [row] = await database.query<{ table_bytes: number; index_bytes: number }>(
    `SELECT (table_bytes + coalesce(toast_bytes, 0))::int8 AS table_bytes, index_bytes::int8 AS index_bytes
     FROM hypertable_detailed_size('telemetry')`,
  );
  return { tableBytes: row!.table_bytes, indexBytes: row!.index_bytes };
}

/** As the upkeep does it in the night. */
async function pack(home: StoreHome, table: string, dayMs: number): Promise<number> {
  await packKeys(home.database, dayMs + 1.5 * 86_400_000);
  const { tableBytes, indexBytes } = await bytesOf(home, table);
  return tableBytes + indexBytes;
}

async function compress({ database }: StoreHome): Promise<number> {
  await database.query(`SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('telemetry') c`);
  const [row] = await database.query<{ bytes: number }>(
    `SELECT total_bytes::int8 AS bytes FROM hypertable_detailed_size('telemetry')`,
  );
  return row!.bytes;
}

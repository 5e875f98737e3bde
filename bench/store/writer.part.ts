/** The writer alone, as a lane uses it (fence, names, partitions, marks), against plain COPY of the same rows, round by round. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { Batches } from './batches.ts';
import { type PlainCopy, plainCopyToPglite, plainCopyToServer } from './plain-copy.ts';
import { addDevices, type StoreHome } from './store-home.ts';

export type WriterRow = {
  readonly batch: number;
  /** Datapoints a second. */
  readonly writer: number[];
  readonly copy: number[];
  readonly ratio: number[];
};
type Options = { readonly rounds: number; readonly datapoints: number; readonly batches: readonly number[] };

const DEVICES = 2_000;
/** Batches of a measurement: so many small ones are enough. */
const MOST_BATCHES = 2_000;

export async function measureWriter(home: StoreHome, { rounds, datapoints, batches }: Options): Promise<WriterRow[]> {
  const fleet = await addDevices(home, DEVICES);
  // Both write into one partition, in the same order, from an hour that has not begun: marks are what is measured with `partitions`.
  const hourMs = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
  const source = new Batches(home.tenantId, fleet, hourMs);
  const reference = await openReference(home, hourMs);
  const rows: WriterRow[] = [];
  try {
    for (const batch of batches) {
      const count = Math.min(MOST_BATCHES, Math.max(3, Math.ceil(datapoints / batch)));
      const row: WriterRow = { batch, writer: [], copy: [], ratio: [] };
      // The first round warms up, and does not count.
      for (let round = 0; round <= rounds; round++) {
        const made = Array.from({ length: count }, () => source.make(batch));
        const writing = () => each(made, async ({ effects }) => void (await home.store.commit(0, effects, false)));
        const copying = () => each(made, ({ rows: bytes }) => reference.write(bytes));
        const order = round % 2 === 0 ? [writing, copying] : [copying, writing];
        const seconds = new Map<unknown, number>();
        for (const run of order) seconds.set(run, await run());
        if (round === 0) continue;
        const [writer, copy] = [writing, copying].map(run => (count * batch) / seconds.get(run)!) as [number, number];
        row.writer.push(writer);
        row.copy.push(copy);
        row.ratio.push(writer / copy);
      }
      rows.push(row);
    }
  } finally {
    await reference.close();
  }
  return rows;
}

async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<number> {
  const began = performance.now();
  for (const one of all) await work(one);
  return (performance.now() - began) / 1_000;
}

/** A table of the same shape, in the same database where there is a server. */
async function openReference(home: StoreHome, ms: number): Promise<PlainCopy> {
  if (home.url === null) {
    const folder = join(home.dataDir, 'reference');
    await mkdir(folder);
    return plainCopyToPglite(folder);
  }
  const client = new pg.Client(home.url);
  await client.connect();
  await client.query('CREATE TABLE reference (LIKE telemetry INCLUDING ALL)');
  if (home.engine === 'timescale')
    await client.query(
      `SELECT create_hypertable('reference', by_range('ts', interval '1 day'), create_default_indexes => false, if_not_exists => true)`,
    );
  await client.query(`SELECT telemetry_partition('telemetry', to_timestamp($1))`, [ms / 1_000]);
  await client.end();
  return plainCopyToServer(home.url, 'reference');
}

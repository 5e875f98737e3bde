/** Telemetry in the database: how fast it is written and read beside plain SQL, and how much room it takes, on each engine there is. */
import { readFlagsOrShort } from './measure/flags.ts';
import { saveResult } from './measure/results.ts';
import { FLAGS, numbersOf, partsOf, SHORT } from './store/options.ts';
import { measurePartitions } from './store/partitions.part.ts';
import { measureQueries, type QueryResult } from './store/queries.part.ts';
import { printStore, type StoreResult } from './store/report.ts';
import { measureSizes } from './store/sizes.part.ts';
import { openStoreHome, type StoreEngine, type StoreHome } from './store/store-home.ts';
import { measureWriter } from './store/writer.part.ts';

const PGLITE_MILLIONS = 10;

export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlagsOrShort(args, FLAGS, SHORT);
  const parts = partsOf(flags.parts);
  const results: StoreResult[] = [];
  for (const engine of flags.engines.split(',') as StoreEngine[]) {
    const measured = async <T>(part: string, work: (home: StoreHome) => Promise<T>): Promise<T | undefined> => {
      if (!parts.some(it => it === part)) return undefined;
      const home = await openStoreHome(engine);
      try {
        return home && (await work(home));
      } finally {
        await home?.close();
      }
    };
    const options = { ...flags, batches: numbersOf(flags.batches) };
    const writer = await measured('writer', home => measureWriter(home, options));
    const sizes = await measured('sizes', measureSizes);
    const counts = numbersOf(flags.partitions);
    const partitions = await measured('partitions', home => measurePartitions(home, counts));
    const queries: QueryResult[] = [];
    if (parts.includes('queries'))
      for (const millions of numbersOf(flags.millions)) {
        // An embedded database is for what one machine has; more would only take long.
        if (engine === 'pglite' && millions > PGLITE_MILLIONS) continue;
        const measuredQueries = await measureQueries(engine, millions * 1_000_000);
        if (measuredQueries !== undefined) queries.push(measuredQueries);
      }
    const result = {
      ...{ engine, queries },
      ...(writer && { writer }),
      ...(sizes && { sizes }),
      ...(partitions && { partitions }),
    };
    printStore(result);
    results.push(result);
  }
  await saveResult('store', { flags, results });
}

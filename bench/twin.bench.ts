/**
 * Twins: how fast they are read through the action of a node that has their actors in memory, against Redis and SQL; and how fast devices
 * change them durably, against plain SQL. The devices, the references and the servers are processes of their own.
 */
import { startPostgres } from '../test/support/postgres.ts';
import { readFlagsOrShort } from './measure/flags.ts';
import { postgresSettings } from './measure/postgres-tree.ts';
import { TWIN_LIMITS_RAISED } from './measure/raised-limits.ts';
import { saveResult } from './measure/results.ts';
import { startFleet } from './twin/fleet.ts';
import { FLAGS, parseParts, SHORT } from './twin/options.ts';
import { measureReads } from './twin/reads.part.ts';
import { printTwin, type TwinResult } from './twin/report.ts';
import { measureUpdates } from './twin/updates.part.ts';

/** As in the other benchmarks: measure/engines.ts. */
const POSTGRES_SETTINGS = { wal_init_zero: 'off' };

export async function run(args: readonly string[]): Promise<void> {
  const { parts: partsText, ...flags } = readFlagsOrShort(args, FLAGS, SHORT);
  const parts = parseParts(partsText);
  console.log(`Limits raised for this: ${JSON.stringify(TWIN_LIMITS_RAISED)}`);
  const postgres = await startPostgres({ settings: POSTGRES_SETTINGS });
  try {
    const options = { ...flags, databases: postgres };
    const databaseSettings = await postgresSettings(postgres.url);
    const fleet = await startFleet(options);
    try {
      const { touchSeconds, residentBytes } = fleet;
      const reads = parts.includes('reads') ? await measureReads(fleet, options) : undefined;
      const updates = parts.includes('updates') ? await measureUpdates(fleet, options) : undefined;
      const result: TwinResult = {
        ...{ options: flags, touchSeconds, residentBytes },
        ...(reads && { reads }),
        ...(updates && { updates }),
      };
      printTwin(result);
      await saveResult('twin', { ...result, limits: TWIN_LIMITS_RAISED, databaseSettings });
    } finally {
      await fleet.stop();
    }
  } finally {
    await postgres.stop();
  }
}

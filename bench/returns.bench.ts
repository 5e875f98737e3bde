/**
 * Commands wait for a fleet that is away, and then all of it comes back within seconds: how long until all are done, and whether the pace
 * and the order are kept. Skein and the devices are processes of their own.
 */
import { startPostgres } from '../test/support/postgres.ts';
import { FLAGS, parsePaces, SHORT } from './commands/returns/return-options.ts';
import { describeReturn, printReturns } from './commands/returns/return-report.ts';
import { measureReturn, type ReturnOptions } from './commands/returns/return-run.ts';
import { type ReturnSystem, startOne, startSeveral } from './commands/returns/return-system.ts';
import type { ReturnRun } from './commands/returns/return-targets.ts';
import { readFlagsOrShort } from './measure/flags.ts';
import { postgresSettings } from './measure/postgres-tree.ts';
import { LIMITS_RAISED } from './measure/raised-limits.ts';
import { saveResult } from './measure/results.ts';

/** As in the other benchmarks: measure/engines.ts. */
const POSTGRES_SETTINGS = { wal_init_zero: 'off' };

export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlagsOrShort(args, FLAGS, SHORT);
  const { commands, processes, devices, nodes, clusterDevices, clusterPace } = flags;
  const each = { commands, processes, connectMs: flags.connectSeconds * 1_000 };
  const envOf = (pace: number) => ({ ...LIMITS_RAISED, SKEIN_LIMIT_COMMANDS_PER_SECOND: String(pace) });
  const runs: ReturnRun[] = [];
  const measure = async (pace: number, options: ReturnOptions, start: () => Promise<ReturnSystem>) => {
    runs.push(await measureOn(await start(), pace, options));
    console.log(describeReturn(runs.at(-1)!));
  };
  const postgres = await startPostgres({ settings: POSTGRES_SETTINGS });
  let databaseSettings = {};
  try {
    databaseSettings = await postgresSettings(postgres.url);
    for (const pace of parsePaces(flags.paces))
      await measure(pace, { ...each, devices }, () => startOne(postgres, envOf(pace)));
    if (nodes > 0)
      await measure(clusterPace, { ...each, devices: clusterDevices }, () =>
        startSeveral(nodes, postgres, envOf(clusterPace)),
      );
  } finally {
    await postgres.stop();
  }
  printReturns(runs);
  await saveResult('returns', { options: flags, limits: LIMITS_RAISED, databaseSettings, runs });
}

async function measureOn(system: ReturnSystem, pace: number, options: ReturnOptions): Promise<ReturnRun> {
  try {
    const figures = await measureReturn(system, options);
    const { devices, commands } = options;
    return { nodes: system.nodes.length, devices, commands, pace, figures };
  } finally {
    await system.stop();
  }
}

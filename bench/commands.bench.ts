/**
 * Commands: from the call over REST to the answer of the device, stored. Skein is a process of its own, so are the devices and the callers;
 * the reference (a bare MQTT ping-pong plus two commits) is measured in the same rounds, on the same PostgreSQL, by the same callers.
 */
import { startPostgres } from '../test/support/postgres.ts';
import { FLAGS, parseUnderWay, SHORT } from './commands/options.ts';
import { startReference } from './commands/reference.ts';
import { describeRound, printCommands } from './commands/report.ts';
import { type CommandsRound, measureRound } from './commands/round.ts';
import { readFlagsOrShort } from './measure/flags.ts';
import { postgresSettings, postmasterPid } from './measure/postgres-tree.ts';
import { COMMAND_LIMITS_RAISED } from './measure/raised-limits.ts';
import { saveResult } from './measure/results.ts';

/** As in the other benchmarks: measure/engines.ts. */
const POSTGRES_SETTINGS = { wal_init_zero: 'off' };

export async function run(args: readonly string[]): Promise<void> {
  const { underWay: underWayText, ...flags } = readFlagsOrShort(args, FLAGS, SHORT);
  const underWay = parseUnderWay(underWayText, flags.devices);
  console.log(`Limits raised for this: ${JSON.stringify(COMMAND_LIMITS_RAISED)}`);
  const postgres = await startPostgres({ settings: POSTGRES_SETTINGS });
  try {
    const options = { ...flags, underWay, databases: postgres };
    const postgresPid = await postmasterPid(postgres.url);
    const databaseSettings = await postgresSettings(postgres.url);
    const reference = await startReference(postgres);
    const rounds: CommandsRound[] = [];
    try {
      for (let round = 0; round < flags.rounds; round++) {
        rounds.push(await measureRound(options, reference, postgresPid));
        console.log(describeRound(rounds.at(-1)!));
      }
    } finally {
      await reference.stop();
    }
    printCommands(rounds);
    await saveResult('commands', {
      options: { ...flags, underWay },
      limits: COMMAND_LIMITS_RAISED,
      databaseSettings,
      rounds,
    });
  } finally {
    await postgres.stop();
  }
}

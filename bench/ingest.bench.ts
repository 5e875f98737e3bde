/**
 * Durable messages a second: `bare` and the real system by turns, each in its own process on its own empty database.
 * Messages are counted in the database, by their rows; what PUBACKs say is only compared with that.
 */
import { startLoad } from '../test/support/mqtt-load.ts';
import { describeIngest, type IngestRun, printIngest } from './ingest.report.ts';
import type { Pace } from './load/load.ts';
import { forEachEngine } from './measure/engines.ts';
import { readFlags } from './measure/flags.ts';
import { measureHeadroom } from './measure/headroom.ts';
import { runPhase } from './measure/load-phase.ts';
import { postgresSettings, postmasterPid } from './measure/postgres-tree.ts';
import { LIMITS_RAISED } from './measure/raised-limits.ts';
import { saveResult } from './measure/results.ts';
import { spread } from './measure/statistics.ts';
import { countMessages } from './measure/stored.ts';
import type { Databases } from './measure/subject-home.ts';
import { makeSubject, SUBJECTS, type Subject, type SubjectName } from './measure/subjects.ts';

export const FLAGS = { pairs: 5, seconds: 8, connections: 500, window: 20, rate: 0, engine: 'both' };
/** `rate`: messages a second of the open loop; 0: half of what the slower one reached. */
type Options = { pairs: number; seconds: number; connections: number; window: number; rate: number };

const HOUR_MS = 3_600_000;
/** Long enough for the hot functions to be compiled and for the write-ahead log to have its files. */
const WARM_UP_SECONDS = 4;

export async function run(args: readonly string[]): Promise<void> {
  const { engine: engines, ...options } = readFlags(args, FLAGS);
  console.log(`Limits of the real system raised for this: ${JSON.stringify(LIMITS_RAISED)}`);
  const headroom = await measureHeadroom(options.connections, options.window);
  await forEachEngine(engines, async (engine, databases) => {
    const databaseSettings = databases ? await postgresSettings(databases.url) : {};
    const figures = await measureEngine(databases, options);
    const result = { engine, options, limits: LIMITS_RAISED, databaseSettings, headroom, ...figures };
    printIngest(result);
    await saveResult(`ingest-${engine}`, result);
  });
}

async function measureEngine(databases: Databases | undefined, options: Options) {
  const closed = await alternate(databases, options, { kind: 'closed' });
  // The same rate for both, which both can carry.
  const reached = SUBJECTS.map(name => spread(closed[name].map(it => it.messagesPerSecond)).median);
  const messagesPerSecond = options.rate || Math.round(Math.min(...reached) / 2);
  const fewer = { ...options, pairs: Math.ceil(options.pairs / 2) };
  const open = await alternate(databases, fewer, { kind: 'open', messagesPerSecond, whenFull: 'delay' });
  return { closed, open, openMessagesPerSecond: messagesPerSecond };
}

/** A B A B: what else the machine does strikes both alike. */
async function alternate(databases: Databases | undefined, options: Options, pace: Pace) {
  const runs: Record<SubjectName, IngestRun[]> = { bare: [], real: [] };
  const postgres = databases ? await postmasterPid(databases.url) : undefined;
  for (let pair = 0; pair < options.pairs; pair++) {
    for (const name of SUBJECTS) {
      const subject = await makeSubject(name, databases, LIMITS_RAISED);
      try {
        const result = await measureOnce(subject, postgres, options, pace);
        runs[name].push(result);
        console.log(describeIngest(name, subject.engine, result));
      } finally {
        await subject.remove();
      }
    }
  }
  return runs;
}

async function measureOnce(
  subject: Subject,
  postgres: number | undefined,
  { connections, window, seconds }: Options,
  pace: Pace,
): Promise<IngestRun> {
  const running = await subject.start();
  const devices = await subject.register(connections);
  const load = await startLoad({ port: running.mqttPort, devices, window });
  const baseMs = Date.now() - 6 * HOUR_MS;
  const processes = { server: running.pid, generator: load.pid, postgres };
  try {
    // An hour apart: the database tells the two phases apart by the time that their messages carry.
    await runPhase(load, processes, pace, baseMs - HOUR_MS, WARM_UP_SECONDS);
    const figures = await runPhase(load, processes, pace, baseMs, seconds);
    await load.stop();
    await running.stop();
    const { connection } = await subject.open();
    const committed = await countMessages(connection, baseMs, baseMs + HOUR_MS).finally(() => connection.close());
    const { activeSeconds } = figures.report;
    return { ...figures, committed, messagesPerSecond: committed / activeSeconds };
  } finally {
    await load.stop();
    await running.kill('SIGKILL');
  }
}

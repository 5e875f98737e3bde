/**
 * Ten times what the system can carry: finds the rate that it sustains, then offers ten times that for two minutes, half of
 * it at QoS 0. Memory must stay where it is, what was acknowledged must be stored, and it must be healthy again soon after.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { compareStored } from '../test/faults/compare-stored.ts';
import { type Load, startLoad } from '../test/support/mqtt-load.ts';
import { type FloodResult, printFlood } from './flood.report.ts';
import type { LoadDevice } from './load/load.ts';
import { forEachEngine } from './measure/engines.ts';
import { readFlags } from './measure/flags.ts';
import { watchHealth } from './measure/health-watch.ts';
import { watchMemory } from './measure/process-usage.ts';
import { LIMITS_RAISED } from './measure/raised-limits.ts';
import { saveResult } from './measure/results.ts';
import type { Databases } from './measure/subject-home.ts';
import { makeReal } from './measure/subjects.ts';

export const FLAGS = { seconds: 120, engine: 'both', connections: 500 };

const HOUR_MS = 3_600_000;
const FIND_SECONDS = 8;
const WARM_UP_SECONDS = 4;
/** As in the ingest benchmark. */
const WINDOW = 20;
/** What a connection may have unanswered in the flood: devices that do not wait for the server. */
const FLOOD_WINDOW = 500;
const TIMES = 10;
const QOS0_PERCENT = 50;
const DRAIN_TIMEOUT_MS = 120_000;
const RECOVERY_TIMEOUT_MS = 120_000;

export async function run(args: readonly string[]): Promise<void> {
  const { engine: engines, seconds, connections } = readFlags(args, FLAGS);
  console.log(`Limits of the system raised for this: ${JSON.stringify(LIMITS_RAISED)}`);
  await forEachEngine(engines, async (engine, databases) => {
    const figures = await flood(databases, seconds, connections);
    const result: FloodResult = { engine, seconds, connections, qos0Percent: QOS0_PERCENT, ...figures };
    printFlood(result);
    await saveResult(`flood-${engine}`, result);
  });
}

async function flood(databases: Databases | undefined, seconds: number, connections: number) {
  const subject = await makeReal(databases, LIMITS_RAISED);
  try {
    const server = await subject.start();
    const devices = await subject.register(connections);
    const load = await startLoad({
      port: server.mqttPort,
      devices,
      window: FLOOD_WINDOW,
      // Devices that were cut off do not all come back in the same moment.
      reconnectDelayMs: 1_000,
    });
    try {
      const sustained = await findRate(load);
      const offered = Math.round(sustained * TIMES);
      const memory = watchMemory(server.pid, 1_000);
      const health = watchHealth(server);
      await load.begin({
        pace: { kind: 'open', messagesPerSecond: offered, whenFull: 'skip' },
        baseMs: Date.now() - HOUR_MS,
        qos0Percent: QOS0_PERCENT,
      });
      await sleep(seconds * 1_000);
      const endedSeconds = health.nowSeconds();
      const drained = await load.drain(DRAIN_TIMEOUT_MS);
      const rss = memory.stop();
      const report = await load.report();
      const healthySeconds = await health.untilHealthy(RECOVERY_TIMEOUT_MS);
      const recoverySeconds = healthySeconds === undefined ? undefined : Math.max(0, healthySeconds - endedSeconds);
      const ledger = await load.ledger();
      await load.stop();
      await server.stop();
      const findings = await compare(subject, devices, ledger);
      return { sustained, offered, report, drained, rss, health: health.changes, recoverySeconds, ...findings };
    } finally {
      await load.stop();
      await server.kill('SIGKILL');
    }
  } finally {
    await subject.remove();
  }
}

/** Acknowledged messages a second in a closed loop. */
async function findRate(load: Load): Promise<number> {
  const pace = { kind: 'closed', window: WINDOW } as const;
  for (const seconds of [WARM_UP_SECONDS, FIND_SECONDS]) {
    await load.begin({ pace, baseMs: Date.now() - 2 * HOUR_MS });
    await sleep(seconds * 1_000);
  }
  await load.drain(DRAIN_TIMEOUT_MS);
  const { acknowledged, activeSeconds } = await load.report();
  return acknowledged / activeSeconds;
}

async function compare(
  subject: Awaited<ReturnType<typeof makeReal>>,
  devices: readonly LoadDevice[],
  ledger: Awaited<ReturnType<Load['ledger']>>,
) {
  const { connection, ids } = await subject.open();
  try {
    // The phases had different times, so times are not compared; the values are, and they name their message.
    const named = devices.map(({ deviceId, payload }, number) => ({ deviceId, payload, number, baseMs: undefined }));
    const findings = await compareStored(connection, ids, named, ledger);
    const [row] = await connection.query('SELECT count(*)::int AS count FROM dead_letter');
    return { findings, promisesKept: findings.kept, deadLetters: row!.count as number };
  } finally {
    await connection.close();
  }
}

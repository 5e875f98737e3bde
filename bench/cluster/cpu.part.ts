/** What a message costs with so many nodes, at the same fixed rate for all: CPU of everything, and bytes on the bus. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../test/support/mqtt-load.ts';
import type { LoadReport } from '../load/load.ts';
import { countMessages } from '../measure/stored.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { type ClusterOptions, DRAIN_TIMEOUT_MS, HOUR_MS, WARM_UP_SECONDS, WINDOW, withCluster } from './options.ts';
import { type Usage, usedDuring } from './usage.ts';

export type CpuRun = {
  readonly committed: number;
  readonly report: LoadReport;
  readonly drained: boolean;
  readonly used: Usage;
};
/** `alone`: one process without NATS. */
export type CpuFigures = { readonly setup: string; readonly runs: readonly CpuRun[] };

/** A B C, A B C: what else the machine does strikes all alike. */
export async function measureCpu(options: ClusterOptions): Promise<CpuFigures[]> {
  const setups = [
    { name: 'alone', nodes: 1, bus: false, runs: [] as CpuRun[] },
    ...options.nodes.map(nodes => ({ name: String(nodes), nodes, bus: true, runs: [] as CpuRun[] })),
  ];
  for (let round = 1; round <= options.rounds; round++)
    for (const { name, nodes, bus, runs } of setups) {
      const run = await withCluster(options, nodes, cluster => measureOnce(cluster, options), bus);
      runs.push(run);
      console.log(`cpu, round ${round}, ${name.padStart(5)}: ${describe(run, options.rate)}`);
    }
  return setups.map(({ name, runs }) => ({ setup: name, runs }));
}

async function measureOnce(cluster: BenchCluster, { connections, rate, seconds }: ClusterOptions): Promise<CpuRun> {
  const devices = await cluster.seed(connections);
  const load = await startLoad({ port: cluster.mqttPorts, devices, window: WINDOW });
  const baseMs = Date.now() - 6 * HOUR_MS;
  const pace = { kind: 'open', messagesPerSecond: rate, whenFull: 'delay' } as const;
  const runFor = async (phaseBaseMs: number, phaseSeconds: number) => {
    await load.begin({ pace, baseMs: phaseBaseMs });
    await sleep(phaseSeconds * 1_000);
    return load.drain(DRAIN_TIMEOUT_MS);
  };
  try {
    // An hour apart: the database tells the two phases apart by the time that their messages carry.
    await runFor(baseMs - HOUR_MS, WARM_UP_SECONDS);
    let drained = false;
    const used = await usedDuring(cluster, load.pid, async () => {
      drained = await runFor(baseMs, seconds);
    });
    const report = await load.report();
    const committed = await countMessages(cluster.database, baseMs, baseMs + HOUR_MS);
    return { committed, report, drained, used };
  } finally {
    await load.stop();
  }
}

/** A rate that was not reached makes a message cheaper: full batches. Such a run says nothing about the others. */
export const keptRate = ({ committed, report }: CpuRun, rate: number): boolean =>
  committed / report.activeSeconds >= rate * 0.98;

function describe(run: CpuRun, rate: number): string {
  const { committed, report, drained, used } = run;
  const perThousand = (cpu: number) => (cpu / (committed / 1_000)).toFixed(3);
  const nodes = used.nodes.reduce((sum, it) => sum + it, 0);
  const cost = `CPU s / 1,000: nodes ${perThousand(nodes)}, PostgreSQL ${perThousand(used.postgres)}, NATS ${perThousand(used.nats)}`;
  const latency = `PUBACK p50 ${report.latency.p50.toFixed(1)} ms, p99 ${report.latency.p99.toFixed(1)} ms`;
  const complaints = [
    ...(keptRate(run, rate) ? [] : [`RATE NOT KEPT: ${Math.round(committed / report.activeSeconds)}/s`]),
    ...(drained ? [] : [`${report.inFlight} NEVER ANSWERED`]),
    ...(committed === report.acknowledged ? [] : [`${committed} STORED, ${report.acknowledged} ACKNOWLEDGED`]),
  ];
  return [cost, latency, ...complaints].join('; ');
}

/** What nodes do when devices are connected and say nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../test/support/mqtt-load.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { type ClusterOptions, DRAIN_TIMEOUT_MS, HOUR_MS, WINDOW, withCluster } from './options.ts';
import { type Usage, usedDuring } from './usage.ts';

export type IdleFigures = { readonly nodes: number; readonly used: Usage };

/** Each device says something once, so its actor is there. */
const FIRST_WORDS_MS = 1_000;
/** PostgreSQL's backends tell of their last transactions when they have been idle for 10 s, and none of before may be counted. */
const CALM_DOWN_MS = 12_000;

export async function measureIdle(options: ClusterOptions): Promise<IdleFigures[]> {
  const figures: IdleFigures[] = [];
  for (const nodes of options.nodes) {
    const used = await withCluster(options, nodes, cluster => measureOnce(cluster, options));
    console.log(`idle, ${nodes} nodes: ${(used.transactions / used.seconds).toFixed(1)} transactions/s`);
    figures.push({ nodes, used });
  }
  return figures;
}

async function measureOnce(cluster: BenchCluster, { connections, idleSeconds }: ClusterOptions): Promise<Usage> {
  const devices = await cluster.seed(connections);
  const load = await startLoad({ port: cluster.mqttPorts, devices, window: WINDOW });
  try {
    const messagesPerSecond = (connections * 1_000) / FIRST_WORDS_MS;
    await load.begin({ pace: { kind: 'open', messagesPerSecond, whenFull: 'delay' }, baseMs: Date.now() - HOUR_MS });
    await sleep(FIRST_WORDS_MS);
    await load.drain(DRAIN_TIMEOUT_MS);
    await sleep(CALM_DOWN_MS);
    return await usedDuring(cluster, load.pid, () => sleep(idleSeconds * 1_000));
  } finally {
    await load.stop();
  }
}

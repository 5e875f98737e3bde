/** What the way over the bus adds to an acknowledgement, at a rate at which nothing waits for anything else. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../test/support/mqtt-load.ts';
import type { Percentiles } from '../load/histogram.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { placeDevices } from './device-places.ts';
import { type ClusterOptions, DRAIN_TIMEOUT_MS, HOUR_MS, WARM_UP_SECONDS, WINDOW, withCluster } from './options.ts';
import { readShardOwners } from './shard-owners.ts';

/** Milliseconds from when a message was due to its PUBACK. */
export type HopFigures = { readonly local: Percentiles; readonly remote: Percentiles };

const NODES = 3;

export async function measureHop(options: ClusterOptions): Promise<HopFigures[]> {
  const figures: HopFigures[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const { local, remote } = await withCluster(options, NODES, cluster => measureOnce(cluster, options));
    console.log(`hop, round ${round}: p50 ${local.p50.toFixed(1)} ms at the owner, ${remote.p50.toFixed(1)} elsewhere`);
    figures.push({ local, remote });
  }
  return figures;
}

/** Both at the same time, each with half of the devices and half of the rate: so what slows one slows the other. */
async function measureOnce(cluster: BenchCluster, options: ClusterOptions): Promise<HopFigures> {
  const devices = await cluster.seed(options.connections);
  const owners = await readShardOwners(cluster.database);
  const ids = cluster.nodes.map(node => node.id);
  const half = Math.floor(devices.length / 2);
  const connect = (some: typeof devices, away: number) =>
    startLoad({ port: cluster.mqttPorts, devices: placeDevices(some, owners, ids, away), window: WINDOW });
  const loads = [await connect(devices.slice(0, half), 0)];
  try {
    loads.push(await connect(devices.slice(half), 1));
    const pace = { kind: 'open', messagesPerSecond: options.hopRate / 2, whenFull: 'delay' } as const;
    for (const seconds of [WARM_UP_SECONDS, options.seconds]) {
      const baseMs = Date.now() - HOUR_MS;
      await Promise.all(loads.map(load => load.begin({ pace, baseMs })));
      await sleep(seconds * 1_000);
      await Promise.all(loads.map(load => load.drain(DRAIN_TIMEOUT_MS)));
    }
    const [local, remote] = await Promise.all(loads.map(load => load.report()));
    return { local: local!.latency, remote: remote!.latency };
  } finally {
    await Promise.all(loads.map(load => load.stop()));
  }
}

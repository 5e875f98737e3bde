/** Devices that keep sending while nodes of their cluster come and go, and what they notice of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, startLoad } from '../../test/support/mqtt-load.ts';
import type { DeviceReport, LoadDevice } from '../load/load.ts';
import type { BenchCluster, BenchNode } from './bench-cluster.ts';
import { ownerOf } from './device-places.ts';
import { type ClusterOptions, HOUR_MS, WARM_UP_SECONDS, WINDOW } from './options.ts';
import { readShardOwners, type ShardOwners } from './shard-owners.ts';

/** Devices come back like this: not before they noticed, and at once. */
const RECONNECT_DELAY_MS = 50;
const LOOK_EVERY_MS = 100;
const PATIENCE_MS = 60_000;

export type ChangeRun = {
  readonly cluster: BenchCluster;
  readonly load: Load;
  readonly owners: ShardOwners;
  /** Registered, and not connected. */
  readonly spare: readonly LoadDevice[];
};

/** Runs `work` while devices send at the rate of the options, after a warm-up. */
export async function underLoad<T>(
  cluster: BenchCluster,
  { connections, changeRate }: ClusterOptions,
  spare: number,
  work: (run: ChangeRun) => Promise<T>,
): Promise<T> {
  const devices = await cluster.seed(connections + spare);
  const load = await startLoad({
    port: cluster.mqttPorts,
    devices: devices.slice(0, connections),
    window: WINDOW,
    reconnectDelayMs: RECONNECT_DELAY_MS,
  });
  try {
    await beginPhase(load, changeRate);
    await sleep(WARM_UP_SECONDS * 1_000);
    const owners = await readShardOwners(cluster.database);
    return await work({ cluster, load, owners, spare: devices.slice(connections) });
  } finally {
    await load.stop();
  }
}

export const beginPhase = (load: Load, messagesPerSecond: number): Promise<void> =>
  load.begin({ pace: { kind: 'open', messagesPerSecond, whenFull: 'delay' }, baseMs: Date.now() - HOUR_MS });

/** Of one device: it was connected to the node, or the node owned it. */
export const isAffected = (device: DeviceReport, node: Pick<BenchNode, 'id' | 'mqttPort'>, owners: ShardOwners) =>
  device.port === node.mqttPort || ownerOf(device, owners) === node.id;

/** Resolves to what devices say as soon as each has had a PUBACK from now on. Rejects after a minute. */
export async function allHeard(load: Load): Promise<DeviceReport[]> {
  const before = await load.devices();
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    const devices = await load.devices();
    const silent = devices.filter((it, i) => it.acknowledged === before[i]!.acknowledged);
    if (silent.length === 0) return devices;
    if (performance.now() > endMs)
      throw new Error(`${silent.length} devices had no PUBACK in ${PATIENCE_MS} ms, among them ${silent[0]!.deviceId}`);
  }
}

export const longest = (devices: readonly DeviceReport[], of: 'longestGapMs' | 'longestWaitMs'): number =>
  Math.max(0, ...devices.map(it => it[of]));

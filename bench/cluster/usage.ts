/** What a cluster, its servers and the generator used, between two looks. */
import { cpuSeconds, treeCpuSeconds } from '../measure/process-usage.ts';
import type { BenchCluster } from './bench-cluster.ts';
import type { NatsTraffic } from './nats-traffic.ts';

/** CPU in seconds. */
export type Usage = {
  readonly seconds: number;
  /** In the order of the nodes. */
  readonly nodes: readonly number[];
  readonly postgres: number;
  readonly nats: number;
  readonly generator: number;
  readonly transactions: number;
  readonly traffic: NatsTraffic;
};

const NO_TRAFFIC: NatsTraffic = { inBytes: 0, outBytes: 0, inMessages: 0, outMessages: 0 };

/** @param generatorPid 0: there is none */
async function look(cluster: BenchCluster, generatorPid: number): Promise<Usage> {
  const transactions = await cluster.transactions();
  return {
    traffic: (await cluster.nats?.traffic()) ?? NO_TRAFFIC,
    transactions,
    seconds: performance.now() / 1_000,
    nodes: cluster.nodes.map(node => cpuSeconds(node.pid)),
    postgres: treeCpuSeconds(cluster.postgresPid),
    nats: cluster.nats === undefined ? 0 : cpuSeconds(cluster.nats.pid),
    generator: cpuSeconds(generatorPid),
  };
}

/** What is used while `work` runs. No node may join or end meanwhile. */
export async function usedDuring(cluster: BenchCluster, generatorPid: number, work: () => Promise<void>) {
  const before = await look(cluster, generatorPid);
  await work();
  return difference(before, await look(cluster, generatorPid));
}

export const difference = (before: Usage, after: Usage): Usage => ({
  seconds: after.seconds - before.seconds,
  nodes: after.nodes.map((it, i) => it - before.nodes[i]!),
  postgres: after.postgres - before.postgres,
  nats: after.nats - before.nats,
  generator: after.generator - before.generator,
  transactions: after.transactions - before.transactions,
  traffic: {
    inBytes: after.traffic.inBytes - before.traffic.inBytes,
    outBytes: after.traffic.outBytes - before.traffic.outBytes,
    inMessages: after.traffic.inMessages - before.traffic.inMessages,
    outMessages: after.traffic.outMessages - before.traffic.outMessages,
  },
});

export const nodesCpuSeconds = ({ nodes }: Usage): number => nodes.reduce((sum, it) => sum + it, 0);

/** What a message costs whoever runs the system: the generator is not part of it. */
export const systemCpuSeconds = (it: Usage): number => nodesCpuSeconds(it) + it.postgres + it.nats;

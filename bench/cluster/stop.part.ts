/** One of three nodes is told to go (SIGTERM) under load: how long any device waits, and what clients are told. */
import type { BenchCluster } from './bench-cluster.ts';
import { allHeard, longest, underLoad } from './change-run.ts';
import { type ClusterOptions, withCluster } from './options.ts';
import { countAlike, ENDINGS, startWitness, type Witness } from './witnesses.ts';

export type StopFigures = {
  /** Of any message of any device, from when it was due to its PUBACK: reconnecting is part of it. */
  readonly longestWaitMs: number;
  /** From the signal to the end of the process. */
  readonly endedMs: number;
  readonly exitCode: number | null;
  /** CONNACKs that refused a device, and connections that a device gave up. */
  readonly refusals: number;
  readonly timeouts: number;
  /** How connections of MQTT 5 clients ended: to the node that goes, and to the others. */
  readonly there: Readonly<Record<string, number>>;
  readonly elsewhere: Readonly<Record<string, number>>;
};

const NODES = 3;
const WITNESSES_PER_NODE = 10;

export async function measureStop(options: ClusterOptions): Promise<StopFigures[]> {
  const figures: StopFigures[] = [];
  for (let i = 0; i < options.repetitions; i++) {
    const figure = await withCluster(options, NODES, cluster => measureOnce(cluster, options, i % NODES));
    console.log(`stop ${i + 1}: longest wait ${figure.longestWaitMs.toFixed(0)} ms, ${JSON.stringify(figure.there)}`);
    figures.push(figure);
  }
  return figures;
}

/** Whether clients saw nothing but the announced end of their connection, and only where there was one. */
export const sawOnlyTheEnd = ({ refusals, timeouts, there, elsewhere }: StopFigures): boolean =>
  refusals + timeouts === 0 &&
  Object.keys(there).every(it => it === ENDINGS.toldToGo) &&
  Object.keys(elsewhere).every(it => it === ENDINGS.stayed);

const measureOnce = (cluster: BenchCluster, options: ClusterOptions, which: number): Promise<StopFigures> =>
  underLoad(cluster, options, NODES * WITNESSES_PER_NODE, async ({ load, spare }) => {
    const victim = cluster.nodes[which]!;
    const witnesses: { readonly witness: Witness; readonly isThere: boolean }[] = [];
    try {
      for (const [i, device] of spare.entries()) {
        const node = cluster.nodes[i % NODES]!;
        witnesses.push({ witness: await startWitness(node.mqttPort, device), isThere: node === victim });
      }
      const before = await load.report();
      cluster.take(victim);
      await load.mark();
      const stoppedMs = performance.now();
      const { code } = await victim.stop();
      const endedMs = performance.now() - stoppedMs;
      const devices = await allHeard(load);
      const after = await load.report();
      const told = (isThere: boolean) =>
        countAlike(witnesses.filter(it => it.isThere === isThere).map(it => it.witness.describe()));
      return {
        longestWaitMs: longest(devices, 'longestWaitMs'),
        endedMs,
        exitCode: code,
        refusals: after.refusals - before.refusals,
        timeouts: after.timeouts - before.timeouts,
        there: told(true),
        elsewhere: told(false),
      };
    } finally {
      for (const { witness } of witnesses) witness.stop();
    }
  });

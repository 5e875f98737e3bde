/** A fifth node joins four under load: how many shards move, how long that takes, and what devices notice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../contracts/limits.ts';
import type { Load } from '../../test/support/mqtt-load.ts';
import type { Percentiles } from '../load/histogram.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { allHeard, beginPhase, longest, underLoad } from './change-run.ts';
import { type ClusterOptions, withCluster } from './options.ts';
import { countMoved } from './shard-owners.ts';

export type JoinFigures = {
  readonly shardsMoved: number;
  /** From its readiness to the first and to the last change of an owner. */
  readonly firstMovedMs: number;
  readonly lastMovedMs: number;
  /** PUBACKs before it, while its process starts, and while shards move. */
  readonly before: Percentiles;
  readonly starting: Percentiles;
  readonly moving: Percentiles;
  /** Of any message of any device, while shards moved. */
  readonly longestWaitMs: number;
};

const NODES = 4;
/** The phase in which shards move begins this long before they may, and what is between counts as that phase. */
const AHEAD_MS = 1_000;

export async function measureJoin(options: ClusterOptions): Promise<JoinFigures[]> {
  const figures: JoinFigures[] = [];
  for (let i = 0; i < options.repetitions; i++) {
    const figure = await withCluster(options, NODES, cluster => measureOnce(cluster, options));
    const p99 = `p99 ${figure.before.p99.toFixed(1)} ms before, ${figure.moving.p99.toFixed(1)} meanwhile`;
    console.log(`join ${i + 1}: ${figure.shardsMoved} shards moved, ${p99}`);
    figures.push(figure);
  }
  return figures;
}

const measureOnce = (cluster: BenchCluster, options: ClusterOptions): Promise<JoinFigures> =>
  underLoad(cluster, options, 0, async ({ load, owners }) => {
    const phase = async (work: () => Promise<unknown>) => {
      await beginPhase(load, options.changeRate);
      await work();
      return latencyOf(load);
    };
    const before = await phase(() => sleep(options.seconds * 1_000));
    const starting = await phase(() => cluster.addNode());
    const readyMs = performance.now();
    const settling = cluster.settled();
    // It is awaited below; if it fails before, that is where it is told.
    settling.catch(() => {});
    await sleep((options.stableSeconds || LIMITS.membershipStableSeconds) * 1_000 - AHEAD_MS);
    await load.mark();
    const moving = await phase(() => settling);
    const changes = await settling;
    return {
      shardsMoved: countMoved(owners, changes.at(-1)!.owners),
      firstMovedMs: (changes[1] ?? changes[0]!).atMs - readyMs,
      lastMovedMs: changes.at(-1)!.atMs - readyMs,
      before,
      starting,
      moving,
      longestWaitMs: longest(await allHeard(load), 'longestWaitMs'),
    };
  });

const latencyOf = async (load: Load): Promise<Percentiles> => (await load.report()).latency;

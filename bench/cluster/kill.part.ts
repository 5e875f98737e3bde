/** One of three nodes dies under load: how long until others own what it owned, and until devices are heard again. */
import type { BenchCluster } from './bench-cluster.ts';
import { allHeard, isAffected, longest, underLoad } from './change-run.ts';
import { type ClusterOptions, withCluster } from './options.ts';
import { areAllOwned, followOwners } from './shard-owners.ts';

export type KillFigures = {
  /** From the kill until every shard has an owner that lives. */
  readonly ownedMs: number;
  /** From the kill to the next PUBACK of the device that waited longest: of those connected to it or owned by it, and of the others. */
  readonly affectedMs: number;
  readonly othersMs: number;
  readonly affected: number;
};

const NODES = 3;
const PATIENCE_MS = 90_000;

export async function measureKill(options: ClusterOptions): Promise<KillFigures[]> {
  const figures: KillFigures[] = [];
  for (let i = 0; i < options.repetitions; i++) {
    // Another one each time: none is special, and this would show if one were.
    const figure = await withCluster(options, NODES, cluster => measureOnce(cluster, options, i % NODES));
    console.log(
      `kill ${i + 1}: owned after ${figure.ownedMs.toFixed(0)} ms, heard after ${figure.affectedMs.toFixed(0)}`,
    );
    figures.push(figure);
  }
  return figures;
}

const measureOnce = (cluster: BenchCluster, options: ClusterOptions, which: number): Promise<KillFigures> =>
  underLoad(cluster, options, 0, async ({ load, owners }) => {
    const victim = cluster.nodes[which]!;
    const affected = (await load.devices()).map(device => isAffected(device, victim, owners));
    cluster.take(victim);
    await load.mark();
    const killedMs = performance.now();
    await victim.kill('SIGKILL');
    const changes = await followOwners(
      cluster.database,
      // Until somebody closes it, the session of the dead node is as open as any.
      now => areAllOwned(now) && !now.includes(victim.id),
      PATIENCE_MS,
    );
    const ownedMs = changes.at(-1)!.atMs - killedMs;
    const devices = await allHeard(load);
    return {
      ownedMs,
      affectedMs: longest(
        devices.filter((_, i) => affected[i]),
        'longestGapMs',
      ),
      othersMs: longest(
        devices.filter((_, i) => !affected[i]),
        'longestGapMs',
      ),
      affected: affected.filter(Boolean).length,
    };
  });

/** What happens to a cluster under load. */

import type { Chance } from '../faults/random.ts';
import type { Cluster } from '../support/cluster.ts';
import type { ClusterNode } from '../support/cluster-node.ts';

export type Scene = {
  readonly cluster: Cluster;
  readonly chance: Chance;
  /** Waits until every shard has an owner that is able, and every device was acknowledged something since. */
  readonly settle: () => Promise<void>;
  /** One line for whoever reads the run. */
  readonly log: (line: string) => void;
};

export type Scenario = {
  /** As `--only` names it. */
  readonly name: string;
  /**
   * Strikes, and takes back what does not heal by itself; nodes that have ended are started again by the run. Rejects with a
   * sentence when the cluster does something that it must not.
   */
  readonly run: (scene: Scene) => Promise<void>;
};

/** One of those that run. */
export const someNode = ({ cluster, chance }: Scene): ClusterNode =>
  chance.pick(cluster.nodes.filter(it => it.running));

/** Whether another node has closed the session of this one's present run. */
export async function isClosed(cluster: Cluster, { instanceId }: ClusterNode): Promise<boolean> {
  const [row] = await cluster.query<{ state: string }>('SELECT state FROM node_session WHERE instance_id = $1', [
    instanceId,
  ]);
  return row === undefined || row.state === 'closed';
}

/** What a process ends with that finds out that it may not write any more. */
const FENCED_EXIT_CODE = 3;
const OWN_END_PATIENCE_MS = 20_000;

/** After a node was away: if the others took over, its process has to end by itself; if not, it goes on. */
export async function endsIfTakenOver({ cluster, log }: Scene, node: ClusterNode): Promise<void> {
  if (!(await isClosed(cluster, node))) return log(`${node.id} was not taken over, and may go on`);
  const exit = await node.endsByItself(OWN_END_PATIENCE_MS);
  if (exit === undefined)
    throw new Error(`${node.id} was taken over, and did not end within ${OWN_END_PATIENCE_MS} ms:\n${node.output()}`);
  if (exit.code !== FENCED_EXIT_CODE)
    throw new Error(`${node.id} was taken over, and ended with ${exit.code ?? exit.signal}, not ${FENCED_EXIT_CODE}`);
  log(`${node.id} was taken over, and ended by itself`);
}

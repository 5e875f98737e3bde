/** This node's part in the cluster: who owns which devices, and what the others say of it. */
import type { ServiceSchema } from 'moleculer';
import { cluster } from '../contracts/cluster.contract.ts';
import { implement, on } from '../contracts/contract.ts';
import type { HealthReport } from '../contracts/health.contract.ts';
import type { Runtime } from './runtime.ts';

export function clusterService({ membership, shards, alone, fronts, waiters }: Runtime): ServiceSchema {
  return implement(
    cluster,
    {
      push: ctx => ctx.params.downlinks.map(downlink => fronts.deliver(downlink)),
      ended: ctx => waiters.tell(ctx.params.commands),
      health: (): HealthReport => {
        const { condition, detail, ...figures } = membership.condition();
        const unowned = shards.countUnowned();
        const report = { figures: { ...figures, shardsUnowned: unowned } };
        if (condition !== 'healthy') return { condition, detail, ...report };
        if (unowned === 0) return { condition, ...report };
        return { condition: 'degraded', detail: `${unowned} of the shards have no owner just now`, ...report };
      },
    },
    {
      events: on(cluster.moved, moved => membership.heard(moved)),
      started: () => (alone ? membership.startAlone(alone) : membership.start()),
      stopped: () => membership.stop(),
    },
  );
}

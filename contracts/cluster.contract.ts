import { action, contract, event } from './contract.ts';
import type { HealthReport } from './health.contract.ts';

export const cluster = contract('cluster', {
  health: action({}).returns<HealthReport>(),
  /** Shards have new owners. At most once, so every node also looks for itself. */
  moved: event<{ instance: string; address: string; shards: { shard: number; epoch: number }[] }>(),
});

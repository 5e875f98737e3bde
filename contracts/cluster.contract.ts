import { action, contract, event } from './contract.ts';
import type { HealthReport } from './health.contract.ts';
import type { Moved } from './ownership.ts';

export const cluster = contract('cluster', {
  health: action({}).returns<HealthReport>(),
  /** Shards have new owners. At most once, so every node also looks for itself. */
  moved: event<Moved>(),
});

import type { CommandRecord } from './commands.ts';
import { action, contract, event, typed } from './contract.ts';
import type { Delivery, Downlink } from './downlinks.ts';
import type { HealthReport } from './health.contract.ts';
import type { Moved } from './ownership.ts';

export const cluster = contract('cluster', {
  health: action({}, { needs: 'inside' }).returns<HealthReport>(),
  /** Downlinks for connections of this node; answers what became of each, in order. */
  push: action({ downlinks: typed<Downlink[]>({ type: 'array' }) }, { needs: 'inside' }).returns<Delivery[]>(),
  /** Commands of which this node waits for the end have ended. At most once: who waits looks for itself, too. */
  ended: action({ commands: typed<CommandRecord[]>({ type: 'array' }) }, { needs: 'inside' }).returns<void>(),
  /** Shards have new owners. At most once, so every node also looks for itself. */
  moved: event<Moved>(),
});

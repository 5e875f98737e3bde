import { action, contract, event, typed } from './contract.ts';
import type { HealthReport } from './health.contract.ts';
import type { Outcome, Uplink } from './uplinks.ts';

export const actors = contract('actors', {
  /** Hands uplinks to the actors of this node; answers after their commits, one outcome for each uplink, in order. */
  deliver: action({ uplinks: typed<Uplink[]>({ type: 'array' }) }).returns<Outcome[]>(),
  health: action({}).returns<HealthReport>(),
  /** A device's row was changed outside of its actor: the actor is dropped and loaded again before its next message. */
  changed: event<{ tenant: string; device: string }>(),
});

import { action, contract, event, typed } from './contract.ts';
import type { HealthReport } from './health.contract.ts';
import type { PackedBatch, PackedOutcomes } from './packed.ts';
import type { Batch, Outcome } from './uplinks.ts';

export const actors = contract('actors', {
  /**
   * Hands a batch to the actors of this node; answers after their commits, one outcome for each uplink, in order. The same
   * batch again is answered with the same outcomes. Rejects with `not_owner` (another instance, or a stream that is not
   * known here) and `expired`: then nothing of it was done.
   */
  deliver: action({ batch: typed<Batch | PackedBatch>({ type: 'any' }) }, { needs: 'inside' }).returns<
    Outcome[] | PackedOutcomes
  >(),
  health: action({}, { needs: 'inside' }).returns<HealthReport>(),
  /** A device's row was changed outside of its actor: the actor is dropped and loaded again before its next message. */
  changed: event<{ tenant: string; device: string }>(),
  /** What a type of devices says was changed, or is not said any more: its actors go by the new rules. */
  typeChanged: event<{ tenantId: number; type: string }>(),
});

/** Hands a change of `desired` to the device's actor, which alone changes its twin, and waits until it is stored. */
import { type ErrorType, SkeinError } from '../../contracts/errors.ts';
import type { DesiredChange, DesiredRefusal } from '../../contracts/twins.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { ask } from '../../mixins/asking.ts';

/** Resolves when it is stored, or was already. Rejects with an error of the table. */
export async function desire(ingress: Ingress, tenant: string, id: string, change: DesiredChange): Promise<void> {
  const answer = await ask(ingress, tenant, id, { type: 'desired', ...change });
  if ('error' in answer) throw new SkeinError(OF_THE_ACTOR[answer.error], answer.detail, { version: answer.version });
}

const OF_THE_ACTOR: Record<DesiredRefusal, ErrorType> = {
  invalid_patch: 'invalid_request',
  too_large: 'too_large',
  stale_version: 'stale_version',
  lifecycle_conflict: 'lifecycle_conflict',
};

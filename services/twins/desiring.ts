/** Hands a change of `desired` to the device's actor, which alone changes its twin, and waits until it is stored. */
import type { DesiredChange } from '../../contracts/twins.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { ask } from '../../mixins/asking.ts';
import { refusalOf } from '../../mixins/refusals.ts';

/** Resolves when it is stored, or was already. Rejects with an error of the table. */
export async function desire(ingress: Ingress, tenant: string, id: string, change: DesiredChange): Promise<void> {
  const answer = await ask(ingress, tenant, id, { type: 'desired', ...change });
  if ('error' in answer) throw refusalOf(answer, { version: answer.version });
}

/** Hands an order to the device's actor, which alone stores it, and finds out which command came of it. */

import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import type { CommandOrder } from '../../contracts/commands.ts';
import { errorTypeOf, SkeinError } from '../../contracts/errors.ts';
import type { CommandAnswer } from '../../contracts/requests.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { ask } from '../../mixins/asking.ts';
import { refusalOf } from '../../mixins/refusals.ts';
import type { CommandKey, StoredCommand } from './command-reading.ts';
import { type Idempotent, withProgress } from './orders.ts';

export type Submitting = {
  readonly ingress: Ingress;
  readonly byId: { load(id: string): Promise<StoredCommand | undefined> };
  readonly byKey: { load(key: CommandKey): Promise<StoredCommand | undefined> };
};

/**
 * The command, as it is stored; one with another id when the idempotency key had made it before. Rejects with an error of the table.
 *
 * @param notify the node that wants to be told of its end
 */
export async function submit(
  { ingress, byId, byKey }: Submitting,
  { tenant, tenantId }: Pick<MemberPrincipal, 'tenant' | 'tenantId'>,
  deviceId: string,
  order: CommandOrder,
  notify: string | null,
): Promise<StoredCommand> {
  const stored = async (id: string): Promise<StoredCommand | undefined> => {
    const { idempotencyKey: key, requestHash: hash } = order;
    const same = key === null ? undefined : await byKey.load({ tenantId, key });
    if (same !== undefined && hash !== null) return repeated(same, { key: key!, hash });
    return byId.load(id);
  };
  let answer: CommandAnswer;
  try {
    answer = await ask(ingress, tenant, deviceId, { type: 'command', order, notify }, 'conflict');
  } catch (error) {
    if (errorTypeOf(error) !== 'conflict') throw error;
    // The key or the id exists; if neither does, it was the content.
    const before = await stored(order.id);
    if (before !== undefined) return before;
    throw new SkeinError('invalid_request', 'The content can not be stored');
  }
  if ('error' in answer) throw refusalOf(answer);
  const { progress } = answer;
  if (progress.id === order.id) return withProgress({ ...order, deviceId, tenantId }, progress);
  const before = await stored(progress.id);
  if (before === undefined) throw new SkeinError('unknown_outcome', 'It is stored, but could not be read afterwards');
  return before;
}

/** The stored command, when the request is the one that made it. Throws `idempotency_key_reused`. */
export function repeated(stored: StoredCommand, { hash }: Idempotent): StoredCommand {
  if (stored.requestHash === hash) return stored;
  throw new SkeinError('idempotency_key_reused', 'This Idempotency-Key belongs to another command');
}

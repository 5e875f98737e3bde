/** How batches get to the owner of their devices: one pinned call each. */

import { actors } from '../../contracts/actors.contract.ts';
import { type Caller, call } from '../../contracts/contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Batch, Outcome } from '../../contracts/uplinks.ts';
import { packBatch, unpackOutcomes } from './packed-batch.ts';

/** What a call is rejected with that never left this process. */
const NOT_SENT: ReadonlySet<unknown> = new Set(['SERVICE_NOT_FOUND', 'SERVICE_NOT_AVAILABLE', 'unavailable']);

class Unreachable extends Error {
  readonly type = 'unreachable';
}

/** What an error of a call says: that nothing left this process, or what it says itself. */
export function orUnreachable(error: unknown): never {
  if (NOT_SENT.has((error as { type?: unknown }).type)) throw new Unreachable((error as Error).message);
  throw error;
}

/**
 * Inside the process a batch goes as it is, between processes packed. A call between processes has a time limit: the batch is then sent
 * again, and its owner knows it by its number.
 *
 * @param own the address of this process
 */
export const deliverOver =
  (caller: Caller, own: string, { batchRetryMs }: Pick<Limits, 'batchRetryMs'>) =>
  async ({ address }: { readonly address: string }, batch: Batch): Promise<Outcome[]> => {
    const isHere = address === own;
    const params = { batch: isHere ? batch : packBatch(batch) };
    const options = { nodeID: address, timeout: isHere ? 0 : batchRetryMs };
    const outcomes = await call(caller, actors.deliver, params, options).catch(orUnreachable);
    return 'states' in outcomes ? unpackOutcomes(outcomes) : outcomes;
  };

/** How what goes down to devices gets to the nodes that have their connections. */
import { cluster } from '../../contracts/cluster.contract.ts';
import type { CommandRecord } from '../../contracts/commands.ts';
import { type Caller, call } from '../../contracts/contract.ts';
import type { Delivery, Downlink } from '../../contracts/downlinks.ts';
import type { Limits } from '../../contracts/limits.ts';
import { orUnreachable } from './deliver.ts';

/** Answers what became of each. Rejects with `unreachable` when nothing was sent; anything else: nobody knows. */
export const pushOver =
  (caller: Caller, { batchRetryMs }: Pick<Limits, 'batchRetryMs'>) =>
  (address: string, downlinks: readonly Downlink[]): Promise<Delivery[]> =>
    call(caller, cluster.push, { downlinks: [...downlinks] }, { nodeID: address, timeout: batchRetryMs }).catch(
      orUnreachable,
    );

/** Best effort: whoever waits there also looks for itself. */
export const tellOver =
  (caller: Caller, { batchRetryMs }: Pick<Limits, 'batchRetryMs'>) =>
  (address: string, commands: readonly CommandRecord[]): void => {
    const told = call(caller, cluster.ended, { commands: [...commands] }, { nodeID: address, timeout: batchRetryMs });
    told.catch(() => {});
  };

/** What a job does in one turn, by its state. */
import type { ErrorType } from '../../contracts/errors.ts';
import { ask } from '../../mixins/asking.ts';
import { type Doing, doItems } from './doing.ts';
import { forgottenItems, nextItems, nextQueued, type Queued } from './parts.ts';
import type { TakenJob, TurnEnd } from './turns.ts';

/** When these come back, the rest would fare no better now. */
const WAIT: ReadonlySet<ErrorType> = new Set(['overloaded', 'unknown_outcome']);

/** A running job does its next items, a cancelled one cancels what waits. */
export const work = (doing: Doing, job: TakenJob): Promise<TurnEnd> =>
  job.state === 'cancelled' ? cancelSome(doing, job) : doSome(doing, job);

async function doSome(doing: Doing, job: TakenJob): Promise<TurnEnd> {
  const { jobItemsUnderWay, jobRetryMs, commitPatienceSeconds } = doing.limits;
  const items = await nextItems(doing.database, job, jobItemsUnderWay);
  const { ends, undone } = await doItems(doing, job, items);
  // At the end of the items it goes back to those that it could not do.
  const isAtEnd = items.length < jobItemsUnderWay;
  const mustWait = isAtEnd ? undone.length > 0 : undone.some(it => WAIT.has(it));
  return {
    ends,
    position: isAtEnd ? 0 : items.at(-1)!.deviceUid,
    pauseMs: mustWait ? jobRetryMs : 0,
    cancelPauseMs: undone.includes('unknown_outcome') ? commitPatienceSeconds * 1000 : 0,
    isCancelled: false,
  };
}

async function cancelSome(doing: Doing, job: TakenJob): Promise<TurnEnd> {
  const { database, ingress, limits } = doing;
  const { jobItemsUnderWay, jobRetryMs } = limits;
  const queued = await nextQueued(database, job, jobItemsUnderWay);
  const cancel = async ({ device_id, command_id }: Queued): Promise<boolean> => {
    const request = { type: 'cancel', id: command_id, reason: 'Its job was cancelled' } as const;
    return 'progress' in (await ask(ingress, job.tenant, device_id, request));
  };
  // One that was sent or has ended meanwhile is not cancelled any more: its actor says so, and it does not come up again.
  const isDone = await Promise.all(queued.map(it => cancel(it).catch(() => false)));
  const pauseMs = isDone.includes(false) ? jobRetryMs : 0;
  const usual = { ends: [], position: 0, pauseMs, cancelPauseMs: 0, isCancelled: false };
  if (queued.length === jobItemsUnderWay) return { ...usual, position: queued.at(-1)!.device_uid };
  const forgotten = await forgottenItems(database, job, jobItemsUnderWay);
  if (forgotten.length > 0)
    return { ...usual, ends: forgotten.map(deviceUid => ({ deviceUid, reason: null, detail: null })) };
  // It ends with a whole pass that had nothing to do.
  return { ...usual, isCancelled: queued.length === 0 && job.position === 0 };
}

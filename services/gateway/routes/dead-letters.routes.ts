import { deadLetters, type ReplayView } from '../../../contracts/dead-letters.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { fieldsOf, listing, nothing, pathId, timeOf } from '../readings.ts';

/** Without those that are not there, so that what is left is as it was asked. */
const withTimes = ({ from, to, ...rest }: Record<string, unknown>): Record<string, unknown> => ({
  ...rest,
  ...(from !== undefined && { from: timeOf('from', from) }),
  ...(to !== undefined && { to: timeOf('to', to) }),
});
const yesOrNo = (it: unknown): unknown => (it === 'true' ? true : it === 'false' ? false : it);

const matching: Read = request => {
  const { replayed, ...rest } = listing(request);
  return { ...withTimes(rest), ...(replayed !== undefined && { replayed: yesOrNo(replayed) }) };
};
const filter: Read = request => withTimes(fieldsOf(request));
const begun = (body: ReplayView): Reply => ({
  status: 202,
  headers: { Location: `/api/v1/dead-letters/replays/${body.id}` },
  body,
});

export const deadLetterRoutes: readonly Endpoint[] = [
  endpoint('GET', '/dead-letters', deadLetters.list, matching, plain),
  endpoint('GET', '/dead-letters/counts', deadLetters.counts, nothing, plain),
  endpoint('POST', '/dead-letters/replay', deadLetters.replayMany, filter, begun, { takesBody: true, creates: true }),
  endpoint('GET', '/dead-letters/replays', deadLetters.listReplays, listing, plain),
  endpoint('GET', '/dead-letters/replays/:id', deadLetters.getReplay, pathId, plain),
  endpoint('POST', '/dead-letters/replays/:id/cancel', deadLetters.cancelReplay, pathId, plain),
  endpoint('POST', '/dead-letters/purge', deadLetters.purgeMany, filter, plain, { takesBody: true }),
  endpoint('GET', '/dead-letters/:id', deadLetters.get, pathId, plain),
  endpoint('DELETE', '/dead-letters/:id', deadLetters.purge, pathId, plain),
  endpoint('POST', '/dead-letters/:id/replay', deadLetters.replay, pathId, plain),
];

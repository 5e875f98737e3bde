import { SkeinError } from '../../../contracts/errors.ts';
import { type PastTwinView, type TwinView, twins } from '../../../contracts/twins.contract.ts';
import { plain, versionedTwin } from '../answers.ts';
import { type ApiRequest, type Endpoint, endpoint, type Reply } from '../endpoint.ts';
import { desiredPatch, pathId } from '../readings.ts';

const MS = /^\d{1,16}$/;
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+ -]\d{2}:\d{2})$/i;

/** `at`: milliseconds since 1970, or ISO 8601 with a zone; the `+` of one that was not encoded arrives as a space. */
function twinAt(request: ApiRequest): Record<string, unknown> {
  const { at } = request.query;
  if (at === undefined) return pathId(request);
  const text = String(at);
  const ms = MS.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text.replace(' ', '+')) : Number.NaN;
  if (Number.isNaN(ms))
    throw new SkeinError('invalid_request', 'at must be ISO 8601 with a zone, or milliseconds since 1970');
  return { ...pathId(request), at: ms };
}

/** Only what can be changed has a tag. */
const twinNowOrThen = (twin: TwinView | PastTwinView): Reply => ('at' in twin ? plain(twin) : versionedTwin(twin));

export const twinRoutes: readonly Endpoint[] = [
  endpoint('GET', '/devices/:id/twin', twins.get, twinAt, twinNowOrThen),
  endpoint('PATCH', '/devices/:id/twin/desired', twins.patchDesired, desiredPatch, versionedTwin, {
    takesBody: true,
  }),
];

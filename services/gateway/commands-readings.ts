/** How requests about commands are read, and how their answers are said. */
import type { CommandView } from '../../contracts/commands.contract.ts';
import { isOpen } from '../../contracts/commands.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ApiRequest, Reply } from './endpoint.ts';
import { noQuery, numberOf, objectOf } from './readings.ts';

type Params = Record<string, unknown>;

/** The body; `ttl_ms` is taken as `ttlMs`. What else is said of the request may not be said there as well. */
function fieldsOf(body: unknown, ...elsewhere: string[]): Params {
  const { ttl_ms, ...fields } = objectOf(body ?? {});
  const name = elsewhere.find(it => Object.hasOwn(fields, it));
  if (name !== undefined) throw new SkeinError('invalid_request', `${name} is not known here`);
  if (ttl_ms === undefined) return fields;
  if (fields.ttlMs !== undefined) throw new SkeinError('invalid_request', 'ttlMs and ttl_ms are the same');
  return { ...fields, ttlMs: ttl_ms };
}

export function newCommand(request: ApiRequest): Params {
  const { wait, ...query } = request.query;
  noQuery({ ...request, query });
  const waitSeconds = numberOf(wait);
  if (Number.isNaN(waitSeconds)) throw new SkeinError('invalid_request', 'wait must be a number');
  return {
    ...fieldsOf(request.body, 'deviceId', 'waitSeconds'),
    deviceId: request.path.id,
    ...(waitSeconds !== undefined && { waitSeconds }),
  };
}

/** Of a command that there is: the body may be left out. */
export function commandAndFields(request: ApiRequest): Params {
  noQuery(request);
  return { ...fieldsOf(request.body, 'id'), id: request.path.id };
}

export function listingOfDevice({ query, path }: ApiRequest): Params {
  if (Object.hasOwn(query, 'deviceId')) throw new SkeinError('invalid_request', 'deviceId is not known here');
  return { ...query, deviceId: path.id, limit: numberOf(query.limit) };
}

/** 202: it goes on; 200: it has ended. */
export const taken = (command: CommandView): Reply => ({
  status: isOpen(command.state) ? 202 : 200,
  headers: { Location: `/api/v1/commands/${command.id}` },
  body: command,
});

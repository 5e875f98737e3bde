/** How parameters are read from a request. What can't be read goes on as it is, or as NaN: the action's rules refuse it. */
import { SkeinError } from '../../contracts/errors.ts';
import type { ApiRequest } from './endpoint.ts';

type Params = Record<string, unknown>;

export const nothing = ({ query }: ApiRequest): Params => ({ ...query });
export const pathId = ({ query, path }: ApiRequest): Params => ({ ...query, id: path.id });
export const pathIdAndVersion = (request: ApiRequest): Params => ({ ...pathId(request), ...versionOf(request) });
export const listing = ({ query }: ApiRequest): Params => ({ ...query, limit: numberOf(query.limit) });

/** The fields of a device; `device_id` and `device_type` are taken as well, and so are texts that belong to the metadata. */
export function registration(request: ApiRequest): Params {
  noQuery(request);
  const body = objectOf(request.body);
  const { device_id, deviceId, device_type, deviceType, ...rest } = body;
  return withMetadata({
    ...rest,
    ...given('id', rest.id ?? deviceId ?? device_id),
    ...given('type', rest.type ?? deviceType ?? device_type),
  });
}

export function changes(request: ApiRequest): Params {
  const { id: _id, ...fields } = registration(request);
  return { ...fields, ...versionOf(request), id: request.path.id };
}

/** A merge patch, for what is desired of a device. */
export function desiredPatch(request: ApiRequest): Params {
  noQuery(request);
  return { id: request.path.id, patch: objectOf(request.body), ...versionOf(request, TWIN_TAG) };
}

/** One item, or a list of them. */
export function items(request: ApiRequest): Params {
  noQuery(request);
  return { items: Array.isArray(request.body) ? request.body : [objectOf(request.body)] };
}

const TAG = /^"(\d{1,9})"$/;
/** Only the desired version counts: a device that reports meanwhile is in nobody's way. */
const TWIN_TAG = /^"(\d{1,9})(?:-\d{1,16})?"$/;

/** RFC 9110, section 13.1.1: `"3"` is that version, `*` is any. What no version of ours looks like matches none. */
export function versionOf({ headers }: ApiRequest, ours = TAG): { version?: number } {
  const tag = headers['if-match']?.trim();
  if (tag === undefined || tag === '*') return {};
  const [, version] = ours.exec(tag) ?? [];
  if (version === undefined) throw new SkeinError('stale_version', 'If-Match has no version of this');
  return { version: Number(version) };
}

/** For a PUT, which makes what is not there: `If-Match: *` is for one that is there, `If-None-Match: *` for none. RFC 9110, section 13.1. */
export function conditionOf(request: ApiRequest): { version?: number; exists?: boolean } {
  const none = request.headers['if-none-match']?.trim();
  if (none !== undefined && none !== '*') throw new SkeinError('invalid_request', 'If-None-Match must be * here');
  if (request.headers['if-match']?.trim() === '*') return none === undefined ? { exists: true } : contradiction();
  const { version } = versionOf(request);
  if (version !== undefined) return none === undefined ? { version } : contradiction();
  return none === undefined ? {} : { exists: false };
}
function contradiction(): never {
  throw new SkeinError('invalid_request', 'If-Match and If-None-Match exclude each other');
}

/** A text with U+0000 is none that is stored, so nothing has it. Rejects with `invalid_request`. */
export function checkTexts(fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields))
    if ([name, value].flat().some(it => typeof it === 'string' && it.includes('\0')))
      throw new SkeinError('invalid_request', `${name.replaceAll('\0', '').slice(0, 100)} must not have U+0000 in it`);
}

export const numberOf = (value: unknown): unknown =>
  value === undefined
    ? undefined
    : typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)
      ? Number(value)
      : Number.NaN;

/** `a,b`, or the parameter twice. */
export const namesOf = (value: unknown): unknown => (typeof value === 'string' ? value.split(',') : value);

const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/i;
/** Milliseconds since 1970, or ISO 8601 with a zone; a day alone begins at midnight UTC. */
export function timeOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') {
    // A `+` of a zone that was not encoded arrives as a space.
    const text = value.replace(/ (\d{2}:\d{2})$/, '+$1');
    const ms = /^-?\d{1,16}$/.test(text)
      ? Number(text)
      : DATE.test(text)
        ? momentOf(text.replace(' ', 'T'))
        : Number.NaN;
    if (!Number.isNaN(ms)) return ms;
  }
  throw new SkeinError('invalid_request', `${name} must be ISO 8601 with a zone, or milliseconds since 1970`);
}

/** JavaScript takes the 30th of February for the second of March: it is no day, and NaN. */
function momentOf(text: string): number {
  const day = text.slice(0, 'yyyy-mm-dd'.length);
  const ms = Date.parse(day);
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(day) ? Number.NaN : Date.parse(text);
}

/** The fields of the body, of which none has the name of something that is said elsewhere in the request. */
export function fieldsOf(request: ApiRequest, ...elsewhere: string[]): Params {
  noQuery(request);
  const body = objectOf(request.body);
  const name = elsewhere.find(it => Object.hasOwn(body, it));
  if (name !== undefined) throw new SkeinError('invalid_request', `${name} is not known here`);
  return body;
}

export function objectOf(body: unknown): Params {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Params;
  throw new SkeinError('invalid_request', 'The body must be a JSON object');
}

export function noQuery({ query }: ApiRequest): void {
  const [name] = Object.keys(query);
  if (name !== undefined) throw new SkeinError('invalid_request', `${name.slice(0, 100)} is not known here`);
}

const given = (name: string, value: unknown): Params => (value === undefined ? {} : { [name]: value });

const METADATA: Readonly<Record<string, string>> = {
  manufacturer: 'manufacturer',
  model: 'model',
  serialNumber: 'serialNumber',
  serial_number: 'serialNumber',
  firmwareVersion: 'firmwareVersion',
  firmware_version: 'firmwareVersion',
};

function withMetadata(fields: Params): Params {
  const found = Object.keys(fields).filter(name => Object.hasOwn(METADATA, name));
  if (found.length === 0) return fields;
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !found.includes(name)));
  const extra = Object.fromEntries(found.map(name => [METADATA[name], fields[name]]));
  return { ...rest, metadata: { ...extra, ...objectOf(fields.metadata ?? {}) } };
}

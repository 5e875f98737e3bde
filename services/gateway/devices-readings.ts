/** How requests about one device are read, and how answers are said that only they have. */
import type { DeviceView, Provisioned } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { ApiRequest, Reply } from './endpoint.ts';
import { noQuery, numberOf, objectOf, pathId, versionOf } from './readings.ts';

type Params = Record<string, unknown>;

/** The body, which may be left out, and the names in the path, which the body must not say as well. */
export function pathAndFields(request: ApiRequest): Params {
  noQuery(request);
  const fields = objectOf(request.body ?? {});
  refuse(fields, Object.keys(request.path));
  return { ...fields, ...request.path };
}

/** The same with If-Match. */
export function pathFieldsAndVersion(request: ApiRequest): Params {
  const fields = pathAndFields(request);
  refuse(fields, ['version']);
  return { ...fields, ...versionOf(request) };
}

function refuse(fields: Params, names: readonly string[]): void {
  const name = names.find(it => Object.hasOwn(fields, it));
  if (name !== undefined) throw new SkeinError('invalid_request', `${name} is not known here`);
}

export const pageOfDevice = (request: ApiRequest): Params => ({
  ...pathId(request),
  limit: numberOf(request.query.limit),
});

/** The names in the path, and nothing else. */
export const pathOnly = (request: ApiRequest): Params => {
  noQuery(request);
  return { ...request.path };
};

/** A secret is in it. */
export const madeSecret = (body: unknown): Reply => ({ status: 201, headers: { 'Cache-Control': 'no-store' }, body });
export const provisioned = (body: Provisioned): Reply => ({
  status: 200,
  headers: { 'Cache-Control': 'no-store' },
  body,
});

/** It goes on behind the answer. */
export const goingOn = (device: DeviceView): Reply => ({
  status: 202,
  headers: { ETag: `"${device.version}"`, Location: `/api/v1/devices/${device.id}` },
  body: device,
});

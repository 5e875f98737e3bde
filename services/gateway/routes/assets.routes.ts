/** Things and places, and devices by what they can do and are. */
import { assets } from '../../../contracts/assets.contract.ts';
import { capabilities } from '../../../contracts/capabilities.contract.ts';
import { type DeviceView, devices } from '../../../contracts/devices.contract.ts';
import { SkeinError } from '../../../contracts/errors.ts';
import { locations } from '../../../contracts/locations.contract.ts';
import { unknownDevice } from '../../../mixins/unknown-device.ts';
import { plain, tag, versioned } from '../answers.ts';
import { type Endpoint, endpoint, type Read, type Reply } from '../endpoint.ts';
import { listing, noQuery, numberOf, objectOf, pathId, pathIdAndVersion, versionOf } from '../readings.ts';

const create = { takesBody: true, creates: true };
const change = { takesBody: true };

const fields: Read = request => {
  noQuery(request);
  return objectOf(request.body);
};
/** Neither the id nor the version is said in the body. */
const changes: Read = request => {
  const said = fields(request);
  const elsewhere = ['id', 'version'].find(it => Object.hasOwn(said, it));
  if (elsewhere !== undefined) throw new SkeinError('invalid_request', `${elsewhere} is not known here`);
  return { ...said, ...versionOf(request), id: request.path.id };
};
const listingAt: Read = ({ query, path }) => ({ ...query, id: path.id, limit: numberOf(query.limit) });

type Versioned = { readonly id: string; readonly version: number };
const made =
  (path: string) =>
  (body: Versioned): Reply => ({
    status: 201,
    headers: { ...tag(body), Location: `/api/v1/${path}/${body.id}` },
    body,
  });

const capability: Read = ({ query, path }) => ({ ...query, capability: path.capability, deviceId: path.deviceId });
const capabilityProperties: Read = request => ({
  properties: fields(request),
  capability: request.path.capability,
  deviceId: request.path.deviceId,
});

/** Devices of one type under a name of their own, as the seeds have them. */
const ofType = (path: string, type: string): Endpoint[] => [
  endpoint(
    'GET',
    `/${path}`,
    devices.list,
    request => {
      if (Object.hasOwn(request.query, 'type')) throw new SkeinError('invalid_request', 'type is not known here');
      return { ...listing(request), type };
    },
    plain,
  ),
  endpoint('GET', `/${path}/:id`, devices.get, pathId, (device: DeviceView) => {
    if (device.type !== type) throw unknownDevice(device.id);
    return versioned(device);
  }),
];

export const assetRoutes: readonly Endpoint[] = [
  endpoint('POST', '/assets', assets.create, fields, made('assets'), create),
  endpoint('GET', '/assets', assets.list, listing, plain),
  endpoint('GET', '/assets/:id', assets.get, pathId, versioned),
  endpoint('PATCH', '/assets/:id', assets.update, changes, versioned, change),
  endpoint('DELETE', '/assets/:id', assets.remove, pathIdAndVersion, plain),

  endpoint('POST', '/locations', locations.create, fields, made('locations'), create),
  endpoint('GET', '/locations', locations.list, listing, plain),
  endpoint('GET', '/locations/:id', locations.get, pathId, versioned),
  endpoint('PATCH', '/locations/:id', locations.update, changes, versioned, change),
  endpoint('DELETE', '/locations/:id', locations.remove, pathIdAndVersion, plain),
  endpoint('GET', '/locations/:id/devices', locations.devices, listingAt, plain),

  endpoint('GET', '/capabilities', capabilities.list, listing, plain),
  endpoint('GET', '/capabilities/:capability/:deviceId', capabilities.get, capability, plain),
  endpoint('PUT', '/capabilities/:capability/:deviceId', capabilities.put, capabilityProperties, plain, change),

  ...ofType('water-heaters', 'water_heater'),
  ...ofType('vending-machines', 'vending_machine'),
  ...ofType('robots', 'robot'),
];

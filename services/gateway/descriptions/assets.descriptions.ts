import type { Descriptions } from './description.ts';
import { assetCapabilities } from './schemas/assets.schemas.ts';
import { anyObject, listOf, mapOf, object, pageOf, ref, text, textOrNull, time } from './schemas/shapes.ts';

const STORED = { version: 3, createdAt: '2026-02-01T08:00:00.000Z', updatedAt: '2026-03-01T06:15:00.000Z' };
const ASSET_SAID = {
  name: 'Boiler 3',
  model: 'WH-300',
  manufacturer: 'Acme',
  serialNumber: '0042-77',
  installDate: '2024-02-29',
  owner: 'Building services',
  locationId: 'hall-3',
  deviceId: 'boiler-3',
  capabilities: { heating: { implementation: 'gas', configuration: { litres: 300 } } },
  metadata: { warrantyUntil: '2029-02-28' },
  tags: ['heating'],
};
const ASSET = { id: 'boiler-3', ...ASSET_SAID, parentId: null, ...STORED };
const LOCATION_SAID = {
  name: 'Hall 3',
  kind: 'building',
  parentId: 'plant-1',
  coordinates: { latitude: 47.3769, longitude: 8.5417 },
  address: '1 Mill Lane',
  tags: ['east'],
};
const LOCATION = { id: 'hall-3', ...LOCATION_SAID, metadata: {}, ...STORED };
const latestValues = mapOf(
  object({ value: ref('Value'), timestamp: time, unit: textOrNull, quality: { type: ['number', 'null'] } }),
);
const LATEST = { temperature: { value: 54.5, timestamp: '2026-03-01T06:15:00.000Z', unit: null, quality: null } };
const first = { version: 1, updatedAt: STORED.createdAt };

const page = (schema: object, example: unknown) => ({
  200: { schema: pageOf(schema as never), example: { items: [example], nextCursor: null } },
});
const one = (name: string, example: unknown) => ({ 200: { schema: ref(name), example, headers: ['ETag'] } }) as const;
const made = (name: string, example: object) =>
  ({ 201: { schema: ref(name), example: { ...example, ...first }, headers: ['ETag', 'Location'] } }) as const;
const assetTag = { tag: 'Assets' } as const;
const locationTag = { tag: 'Locations' } as const;
const capabilityTag = { tag: 'Capabilities' } as const;

const assetFields = {
  name: text,
  model: textOrNull,
  manufacturer: textOrNull,
  serialNumber: textOrNull,
  installDate: { type: ['string', 'null'], format: 'date' },
  owner: textOrNull,
  locationId: textOrNull,
  deviceId: textOrNull,
  parentId: textOrNull,
  capabilities: assetCapabilities,
  metadata: anyObject,
  tags: listOf(text),
};
const optional = Object.keys(assetFields);

export const assetDescriptions: Descriptions = {
  'POST /assets': {
    ...assetTag,
    summary: 'Make an asset',
    description: 'A location, a device and an asset that it names must be there. Without an `id` one is made.',
    body: object({ id: text, ...assetFields }, ['id', ...optional.filter(it => it !== 'name')]),
    bodyExample: { id: 'boiler-3', ...ASSET_SAID },
    answers: made('Asset', ASSET),
    errors: ['conflict', 'too_large'],
  },
  'GET /assets': {
    ...assetTag,
    summary: 'List assets, by id',
    description: 'A role that is limited to some devices sees no asset that names another one.',
    answers: page(ref('Asset'), ASSET),
  },
  'GET /assets/:id': { ...assetTag, summary: 'One asset', answers: one('Asset', ASSET) },
  'PATCH /assets/:id': {
    ...assetTag,
    summary: 'Change an asset',
    description: 'What is given replaces what was, whole; null takes it away.',
    body: object(assetFields, optional),
    bodyExample: { locationId: 'hall-4', deviceId: null },
    answers: one('Asset', ASSET),
    errors: ['too_large'],
  },
  'DELETE /assets/:id': {
    ...assetTag,
    summary: 'Remove an asset',
    description: 'Refused with `conflict` while another asset is a part of it. Answers with what it was.',
    answers: { 200: { schema: ref('Asset'), example: ASSET } },
    errors: ['conflict'],
  },

  'POST /locations': {
    ...locationTag,
    summary: 'Make a location',
    description: 'Locations lie in each other by `parentId`. Without an `id` one is made.',
    bodyExample: { id: 'hall-3', ...LOCATION_SAID },
    answers: made('Location', LOCATION),
    errors: ['conflict', 'too_large'],
  },
  'GET /locations': { ...locationTag, summary: 'List locations, by id', answers: page(ref('Location'), LOCATION) },
  'GET /locations/:id': { ...locationTag, summary: 'One location', answers: one('Location', LOCATION) },
  'PATCH /locations/:id': {
    ...locationTag,
    summary: 'Change a location, or put it into another one',
    description: 'What is given replaces what was, whole; null takes it away.',
    bodyExample: { parentId: 'plant-2' },
    answers: one('Location', LOCATION),
    errors: ['too_large'],
  },
  'DELETE /locations/:id': {
    ...locationTag,
    summary: 'Remove a location',
    description: 'Refused with `conflict` while a location, an asset or a device is there. Answers with what it was.',
    answers: { 200: { schema: ref('Location'), example: LOCATION } },
    errors: ['conflict'],
  },
  'GET /locations/:id/devices': {
    ...locationTag,
    summary: 'The devices at a location, by id',
    description: 'Those whose `location` is `{"locationId": id}`, and those that the assets there name.',
    answers: page(ref('DeviceName'), { deviceId: 'boiler-3' }),
  },

  'GET /capabilities': {
    ...capabilityTag,
    summary: 'Capabilities in use, with how many devices have each',
    answers: page(ref('UsedCapability'), { capability: 'heating', deviceCount: 12 }),
  },
  'GET /capabilities/:capability/:deviceId': {
    ...capabilityTag,
    summary: 'The part of a device that a capability is about',
    description:
      'A device has its own capabilities and those of its type. Also needs the permissions `twins:read` and `telemetry:read`, or those scopes.',
    answers: {
      200: {
        schema: object({
          capability: text,
          deviceId: text,
          reported: anyObject,
          desired: anyObject,
          latest: latestValues,
        }),
        example: {
          capability: 'heating',
          deviceId: 'boiler-3',
          reported: { target: 55 },
          desired: { target: 60 },
          latest: LATEST,
        },
      },
    },
  },
  'PUT /capabilities/:capability/:deviceId': {
    ...capabilityTag,
    summary: 'Change what is desired of a device, by capability',
    description:
      'The body has properties of the capability, which are merged into what is desired; null takes one away. They must fit the schemas of the device type.',
    body: anyObject,
    bodyExample: { target: 60 },
    omits: ['properties'],
    answers: {
      200: {
        schema: object({ capability: text, deviceId: text, desired: anyObject }),
        example: { capability: 'heating', deviceId: 'boiler-3', desired: { target: 60 } },
      },
    },
    errors: ['properties_invalid', 'lifecycle_conflict', 'too_large'],
  },
};

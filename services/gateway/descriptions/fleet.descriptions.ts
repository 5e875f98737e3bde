import type { Descriptions } from './description.ts';
import { stored, typeFields } from './schemas/assets.schemas.ts';
import { count, listOf, object, pageOf, ref, text, textOrNull, yesOrNo } from './schemas/shapes.ts';

const STORED = { version: 3, createdAt: '2026-02-01T08:00:00.000Z', updatedAt: '2026-03-01T06:15:00.000Z' };
const SAID = {
  description: 'A water heater',
  commands: { boost: { parameters: { type: 'object', properties: { minutes: { type: 'integer' } } }, ttlMs: 60_000 } },
  measurements: { temperature: { type: 'number', unit: 'Cel', min: -40, max: 120 } },
  properties: { target: { schema: { type: 'number', minimum: 30, maximum: 80 } }, firmware: { writable: false } },
  capabilities: ['heating'],
  capabilityDetails: { heating: { properties: ['target'], measurements: ['temperature'], commands: ['boost'] } },
  validation: { outOfRange: 'flag', wrongType: 'refuse', tooOld: 'flag', tooOldSeconds: 86_400 },
};
const TYPE = { name: 'water_heater', ...SAID, ...STORED };
const GROUP = { name: 'hall-3', description: 'The third hall', ...STORED };
const NEW = { version: 1, updatedAt: STORED.createdAt };

const page = (schema: object, example: unknown) => ({
  200: { schema: pageOf(schema as never), example: { items: [example], nextCursor: null } },
});
const typeTag = { tag: 'Device types' } as const;
const groupTag = { tag: 'Groups' } as const;
const said = object(typeFields, Object.keys(typeFields));
const groupSaid = object({ description: textOrNull }, ['description']);

export const fleetDescriptions: Descriptions = {
  'GET /device-types': { ...typeTag, summary: 'List device types, by name', answers: page(ref('DeviceType'), TYPE) },
  'GET /device-types/:name': {
    ...typeTag,
    summary: 'What a type says of its devices',
    answers: { 200: { schema: ref('DeviceType'), example: TYPE, headers: ['ETag'] } },
  },
  'PUT /device-types/:name': {
    ...typeTag,
    summary: 'Make a device type, or replace all that it says',
    description:
      'With `commands`, only commands that are named can be sent to its devices, with parameters that fit. Measurements, properties and capabilities tell what its devices are like; with `validation`, values are held against the measurements. Schemas that can not be used are refused with what is wrong.',
    body: said,
    bodyExample: SAID,
    answers: {
      200: { schema: ref('DeviceType'), example: TYPE, headers: ['ETag'] },
      201: { schema: ref('DeviceType'), example: { ...TYPE, ...NEW }, headers: ['ETag', 'Location'] },
    },
    errors: ['too_large'],
  },
  'DELETE /device-types/:name': {
    ...typeTag,
    summary: 'Remove a device type',
    description: 'Refused with `conflict` while a device that is not decommissioned has it. Answers with what it was.',
    answers: { 200: { schema: ref('DeviceType'), example: TYPE } },
    errors: ['conflict'],
  },

  'GET /groups': { ...groupTag, summary: 'List groups, by name', answers: page(ref('Group'), GROUP) },
  'GET /groups/:name': {
    ...groupTag,
    summary: 'A group, and how many devices are in it',
    description: 'A role that is limited to some devices counts those only.',
    answers: {
      200: {
        schema: object({ name: text, description: textOrNull, deviceCount: count, ...stored }),
        example: { ...GROUP, deviceCount: 42 },
        headers: ['ETag'],
      },
    },
  },
  'PUT /groups/:name': {
    ...groupTag,
    summary: 'Make a group, or change what it says',
    description: 'Its devices stay. The version is that of what it says, not of who is in it.',
    body: groupSaid,
    bodyExample: { description: 'The third hall' },
    answers: {
      200: { schema: ref('Group'), example: GROUP, headers: ['ETag'] },
      201: { schema: ref('Group'), example: { ...GROUP, ...NEW }, headers: ['ETag', 'Location'] },
    },
  },
  'DELETE /groups/:name': {
    ...groupTag,
    summary: 'Remove a group',
    description: 'Its devices stay what they are. Answers with what it was.',
    answers: { 200: { schema: ref('Group'), example: GROUP } },
  },
  'GET /groups/:name/devices': {
    ...groupTag,
    summary: 'The devices of a group, in the order in which they were registered',
    answers: page(ref('DeviceName'), { deviceId: 'press-4' }),
  },
  'POST /groups/:name/devices': {
    ...groupTag,
    summary: 'Put devices into a group',
    body: object({ deviceIds: listOf(text) }),
    bodyExample: { deviceIds: ['press-4', 'press-5', 'pres-6'] },
    answers: {
      200: {
        schema: object({ added: count, unknown: listOf(text) }),
        example: { added: 2, unknown: ['pres-6'] },
      },
    },
    errors: ['too_large'],
  },
  'PUT /groups/:name/devices/:id': {
    ...groupTag,
    summary: 'Put one device into a group',
    answers: {
      200: { schema: object({ deviceId: text, added: yesOrNo }), example: { deviceId: 'press-4', added: true } },
    },
  },
  'DELETE /groups/:name/devices/:id': {
    ...groupTag,
    summary: 'Take one device out of a group',
    answers: {
      200: { schema: object({ deviceId: text, removed: yesOrNo }), example: { deviceId: 'press-4', removed: true } },
    },
  },
  'GET /tags': {
    ...groupTag,
    summary: 'Tags in use, with how many devices have each',
    answers: page(ref('UsedTag'), { tag: 'outdoor', deviceCount: 17 }),
  },
};

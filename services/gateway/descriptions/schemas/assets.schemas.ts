import { COMMAND_MODES, PRIORITIES } from '../../../../contracts/commands.ts';
import { MEASUREMENT_TYPES } from '../../../../contracts/device-types.contract.ts';
import { FINDINGS, TREATMENTS } from '../../../../contracts/validation.ts';
import type { Schema } from '../description.ts';
import {
  anyObject,
  count,
  described,
  listOf,
  mapOf,
  object,
  oneOf,
  text,
  textOrNull,
  time,
  yesOrNo,
} from './shapes.ts';

const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const number: Schema = { type: 'number' };
const version = described({ type: 'integer', minimum: 1 }, 'Grows with every change; the ETag is `"<version>"`.');
/** What everything has that is stored with a version. */
export const stored = { version, createdAt: time, updatedAt: time };

const COORDINATES = object({
  latitude: described({ type: 'number', minimum: -90, maximum: 90 }, 'Degrees, WGS 84.'),
  longitude: described({ type: 'number', minimum: -180, maximum: 180 }, 'Degrees, WGS 84.'),
});

const ASSET_CAPABILITIES = described(
  mapOf(object({ implementation: text, configuration: anyObject }, ['configuration'])),
  'How the asset does what a capability names.',
);

const COMMAND_DESCRIPTION = object(
  {
    description: text,
    parameters: described(anyObject, 'A JSON Schema (2020-12) that the parameters must fit.'),
    mode: oneOf(COMMAND_MODES),
    priority: oneOf(PRIORITIES),
    ttlMs: { type: 'integer', minimum: 1 },
  },
  ['description', 'parameters', 'mode', 'priority', 'ttlMs'],
);
const MEASUREMENT_DESCRIPTION = object(
  {
    type: oneOf(MEASUREMENT_TYPES),
    unit: described(text, 'Any text; best a code of UCUM.'),
    min: number,
    max: number,
    outOfRange: described(oneOf(TREATMENTS), 'Of a number outside of `min` and `max`; else what `validation` says.'),
    description: text,
  },
  ['unit', 'min', 'max', 'outOfRange', 'description'],
);
const PROPERTY_DESCRIPTION = object(
  {
    schema: described({ type: ['object', 'boolean'] }, 'A JSON Schema (2020-12) that what is desired must fit.'),
    writable: described(yesOrNo, 'False: devices only report it.'),
    description: text,
  },
  ['schema', 'writable', 'description'],
);
const seconds: Schema = { type: 'integer', minimum: 0 };
const VALIDATION_FIELDS = {
  ...Object.fromEntries(FINDINGS.map(finding => [finding, oneOf(TREATMENTS)])),
  tooOldSeconds: described(seconds, 'How old a value may be when it arrives.'),
  tooFarAheadSeconds: described(seconds, 'How far ahead of the server the time of a value may be.'),
};
const VALIDATION = object(VALIDATION_FIELDS, Object.keys(VALIDATION_FIELDS));
const names = listOf(text);
const CAPABILITY_DETAIL = object({ properties: names, measurements: names, commands: names }, [
  'properties',
  'measurements',
  'commands',
]);

/** What is said of a type; null: nothing. */
export const typeFields = {
  description: textOrNull,
  commands: described(orNull(mapOf(COMMAND_DESCRIPTION)), 'Null: any command may be sent. Otherwise only these.'),
  measurements: orNull(mapOf(MEASUREMENT_DESCRIPTION)),
  properties: described(orNull(mapOf(PROPERTY_DESCRIPTION)), 'By the name at the top of the documents of a twin.'),
  capabilities: described(names, 'What devices of this type can do.'),
  capabilityDetails: described(
    orNull(mapOf(CAPABILITY_DETAIL)),
    'What a capability is about. What is left out: everything of its kind that the type describes.',
  ),
  validation: described(
    orNull(VALIDATION),
    'What happens to values that do not fit: `keep` stores them as any other, `flag` stores them with a mark, `refuse` makes their message a dead letter. Null, and what is left out: `keep`.',
  ),
};

export const assetSchemas = {
  Location: object({
    id: text,
    name: text,
    kind: described(textOrNull, 'Whatever you say: `site`, `building`, `floor`, `room`.'),
    parentId: described(textOrNull, 'The location that it is in.'),
    coordinates: orNull(COORDINATES),
    address: textOrNull,
    metadata: anyObject,
    tags: names,
    ...stored,
  }),
  Asset: object({
    id: text,
    name: text,
    model: textOrNull,
    manufacturer: textOrNull,
    serialNumber: textOrNull,
    installDate: described({ type: ['string', 'null'], format: 'date' }, 'A day.'),
    owner: textOrNull,
    locationId: textOrNull,
    deviceId: described(textOrNull, 'The device that sits in it.'),
    parentId: described(textOrNull, 'The asset that it is a part of.'),
    capabilities: ASSET_CAPABILITIES,
    metadata: anyObject,
    tags: names,
    ...stored,
  }),
  DeviceType: object({ name: text, ...typeFields, ...stored }),
  Group: object({ name: text, description: textOrNull, ...stored }),
  DeviceName: object({ deviceId: text }),
  UsedTag: object({ tag: text, deviceCount: count }),
  UsedCapability: object({ capability: text, deviceCount: count }),
} as const;

/** What is said of an asset besides its id: the rules of the action don't know how a capability looks. */
export const assetCapabilities = ASSET_CAPABILITIES;

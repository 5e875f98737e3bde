import type { Description, Descriptions, Schema } from './description.ts';
import { deviceFields, state } from './schemas/devices.schemas.ts';
import { anyObject, described, object, oneOf, pageOf, ref, text, textOrNull } from './schemas/shapes.ts';

const tag = 'Devices';
export const DEVICE_EXAMPLE = {
  id: 'press-4',
  name: 'Press 4',
  type: 'press',
  state: 'registered',
  stateReason: null,
  stateChangedAt: '2026-03-01T06:15:00.000Z',
  location: { hall: 3, row: 'B' },
  metadata: { manufacturer: 'Acme', model: 'P-200' },
  tags: ['hall-3'],
  capabilities: ['set-speed'],
  commandWindow: null,
  claimedBy: null,
  erasedAt: null,
  erasure: null,
  version: 1,
  createdAt: '2026-03-01T06:15:00.000Z',
  updatedAt: '2026-03-01T06:15:00.000Z',
};
const MOVED = { version: 2, stateChangedAt: '2026-03-02T08:00:00.000Z', updatedAt: '2026-03-02T08:00:00.000Z' };
const SUSPENDED = { ...DEVICE_EXAMPLE, state: 'suspended', stateReason: 'it is being repaired', ...MOVED };
const ENDED = { ...DEVICE_EXAMPLE, state: 'decommissioned', ...MOVED };
const SECRETS = {
  apiKey: 'skd_02fXeZdzvP0hGyYy8_0000000000000000000000000000000000000000000',
  token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImRldmljZStqd3QifQ.eyJzdWIiOiJwcmVzcy00In0.c2lnbmF0dXJl',
};

const secrets = {
  apiKey: described(text, 'Shown this once.'),
  token: described(text, 'A device token (JWT). Shown this once.'),
};
const one = (example: unknown): Description['answers'] => ({
  200: { schema: ref('Device'), example, headers: ['ETag'] },
});

/** Names that the seeds use, and texts that belong to the metadata. */
const alias = (name: string): Schema => described(text, `The same as \`${name}\`.`);
const inMetadata: Schema = { description: 'Goes into `metadata`.' };
const aliases = {
  device_type: described(textOrNull, 'The same as `type`.'),
  deviceType: described(textOrNull, 'The same as `type`.'),
  manufacturer: inMetadata,
  model: inMetadata,
  serialNumber: inMetadata,
  serial_number: inMetadata,
  firmwareVersion: inMetadata,
  firmware_version: inMetadata,
};
const registered = { id: text, device_id: alias('id'), deviceId: alias('id'), ...deviceFields, ...aliases };
const changed = { ...deviceFields, ...aliases };

const register: Description = {
  tag,
  summary: 'Register a device',
  description:
    'Its API key and its token come back once. Without an `id` one is made. An id is never given out again, not even after the end of its device.',
  body: object(registered, Object.keys(registered)),
  bodyExample: { id: 'press-4', name: 'Press 4', type: 'press', location: { hall: 3, row: 'B' }, tags: ['hall-3'] },
  answers: {
    201: {
      schema: object({ device: ref('Device'), credentials: object(secrets) }),
      example: { device: DEVICE_EXAMPLE, credentials: SECRETS },
      headers: ['ETag', 'Location'],
    },
  },
  errors: ['conflict', 'quota_exceeded', 'too_large'],
};

export const deviceDescriptions: Descriptions = {
  'POST /devices': register,
  'POST /devices/provision': { ...register, description: 'The same as `POST /devices`.' },
  'GET /devices': {
    tag,
    summary: 'List devices, by id',
    query: {
      state,
      claimed: described(oneOf(['true', 'false', 'me']), 'Whether somebody has claimed it; `me`: the calling user.'),
    },
    answers: { 200: { schema: pageOf(ref('Device')), example: { items: [DEVICE_EXAMPLE], nextCursor: null } } },
  },
  'GET /devices/:id': { tag, summary: 'One device', answers: one(DEVICE_EXAMPLE) },
  'PATCH /devices/:id': {
    tag,
    summary: 'Change a device',
    description: 'What is given replaces what was.',
    body: object(changed, Object.keys(changed)),
    bodyExample: { name: 'Press 4', tags: ['hall-3', 'new'] },
    answers: one({ ...DEVICE_EXAMPLE, tags: ['hall-3', 'new'], version: 2 }),
    errors: ['lifecycle_conflict', 'too_large'],
  },
  'DELETE /devices/:id': {
    tag,
    summary: 'Decommission a device',
    description:
      'Its keys, tokens and certificates are revoked and its connections are closed. What it stored stays. Again: the same answer.',
    answers: one(ENDED),
  },
  'PUT /devices/:id/provision': {
    tag,
    summary: 'Give a device its credentials and its configuration',
    description:
      'A new key and token, which replace those of the time before, and a certificate: for the `csr`, or with a key that is made here; none with `certificate: false`. A device that was `registered` is `provisioned` then. All secrets are shown this once.',
    bodyExample: { certificate: false },
    answers: {
      200: {
        schema: object({
          deviceId: text,
          status: state,
          configuration: ref('DeviceConfiguration'),
          credentials: object(
            {
              ...secrets,
              certificate: described(anyObject, 'As `POST /devices/{id}/certificates` answers.'),
            },
            ['certificate'],
          ),
        }),
        example: {
          deviceId: 'press-4',
          status: 'provisioned',
          configuration: {
            mqttBroker: 'mqtts://iot.example.org:8883',
            httpUrl: 'https://iot.example.org',
            reportingIntervalSeconds: 60,
            topics: {
              telemetry: 'devices/press-4/telemetry',
              state: 'devices/press-4/state',
              commands: 'devices/press-4/commands',
              commandAnswers: 'devices/press-4/commands/ack',
              desired: 'devices/press-4/state/desired',
            },
          },
          credentials: SECRETS,
        },
      },
    },
    errors: ['lifecycle_conflict', 'too_many_credentials', 'overloaded'],
  },
  'POST /devices/:id/lifecycle': {
    tag,
    summary: 'Take a device to another state',
    description:
      'Suspending closes its connections, and its credentials do not work until it is resumed; decommissioning is final. To the state that it has: nothing happens, and that is no error. What is not possible is refused with `lifecycle_conflict`, which says what is.',
    bodyExample: { state: 'suspended', reason: 'it is being repaired' },
    answers: one(SUSPENDED),
    errors: ['lifecycle_conflict'],
  },
  'GET /devices/:id/lifecycle': {
    tag,
    summary: 'How a device came to its state',
    description: 'The newest step first.',
    answers: {
      200: {
        schema: pageOf(ref('LifecycleStep')),
        example: {
          items: [
            {
              from: 'registered',
              to: 'suspended',
              reason: 'it is being repaired',
              changedBy: 'user 0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
              at: '2026-03-02T08:00:00.000Z',
            },
            {
              from: null,
              to: 'registered',
              reason: null,
              changedBy: 'application 02fXeZdzvP0hGyYy8',
              at: '2026-03-01T06:15:00.000Z',
            },
          ],
          nextCursor: null,
        },
      },
    },
  },
  'POST /devices/:id/erase': {
    tag,
    summary: 'Erase what is stored of a device',
    description:
      'For ever: readings, twin, commands, events and dead letters, its name, location, metadata, tags and owner. Its id stays taken. Only a decommissioned device, or with `decommission` any. It goes on behind the answer; `erasure` of the device tells how far it is. Again: the same answer.',
    bodyExample: { decommission: true },
    answers: {
      202: {
        schema: ref('Device'),
        example: {
          ...ENDED,
          name: null,
          location: null,
          metadata: {},
          tags: [],
          capabilities: [],
          erasure: { state: 'running', startedAt: '2026-03-02T08:00:00.000Z', doneAt: null },
        },
        headers: ['ETag', 'Location'],
      },
    },
    errors: ['lifecycle_conflict', 'legal_hold'],
  },
};

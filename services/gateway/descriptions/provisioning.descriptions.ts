import { ADMISSIONS, BATCH_DEVICE_STATES, BATCH_STATES } from '../../../contracts/provisioning.contract.ts';
import type { Description, Descriptions } from './description.ts';
import {
  anyObject,
  count,
  described,
  listOf,
  object,
  oneOf,
  pageOf,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  uuidOrNull,
  yesOrNo,
} from './schemas/shapes.ts';

const batch = object({
  id: uuid,
  name: text,
  type: textOrNull,
  tags: listOf(text),
  groups: listOf(text),
  metadata: anyObject,
  admits: oneOf(ADMISSIONS),
  state: oneOf(BATCH_STATES),
  claimCodes: yesOrNo,
  maxDevices: { type: ['integer', 'null'] },
  devices: described(count, 'How many devices it made.'),
  listed: described(count, 'How many ids were listed.'),
  provisioningKey: text,
  createdBy: text,
  createdAt: time,
  expiresAt: timeOrNull,
});
const withSecret = object({ batch, credentials: object({ provisioningKey: text, provisioningSecret: text }) });
const batchDevice = object({ deviceId: text, state: oneOf(BATCH_DEVICE_STATES), provisionedAt: timeOrNull });
const claim = object({ deviceId: text, claimedBy: uuidOrNull, claimedAt: timeOrNull });

const BATCH = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  name: 'presses of March',
  type: 'press',
  tags: ['2026-03'],
  groups: ['hall-3'],
  metadata: { manufacturer: 'Acme' },
  admits: 'any',
  state: 'open',
  claimCodes: false,
  maxDevices: 500,
  devices: 12,
  listed: 0,
  provisioningKey: 'skp_0Bc4f1Yt7Qz2Lw9Xe',
  createdBy: 'user 0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  createdAt: '2026-03-01T06:15:00.000Z',
  expiresAt: '2026-06-01T00:00:00.000Z',
};
const CREDENTIALS = {
  provisioningKey: BATCH.provisioningKey,
  provisioningSecret: 'kT3vX9mQe2RsLw7YbN5cJ1hZ8uF4gD6pA0iOqCtVxWB',
};
const NEW_BATCH = { batch: { ...BATCH, devices: 0 }, credentials: CREDENTIALS };
const CLAIM = {
  deviceId: 'press-4',
  claimedBy: '0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  claimedAt: '2026-03-02T08:00:00.000Z',
};
const tag = 'Provisioning';
const oneBatch = { tag, errors: ['not_found'] } as const satisfies Partial<Description>;

export const provisioningDescriptions: Descriptions = {
  'POST /provisioning/batches': {
    tag,
    summary: 'Make a batch of devices that get their identities themselves',
    description: 'The secret is shown once. `admits`: `any` device id, or only those that are `listed`.',
    bodyExample: { name: 'presses of March', type: 'press', groups: ['hall-3'], admits: 'any', maxDevices: 500 },
    answers: { 201: { schema: withSecret, example: NEW_BATCH, headers: ['Location'] } },
    errors: ['conflict', 'not_found', 'too_large'],
  },
  'GET /provisioning/batches': {
    tag,
    summary: 'Batches',
    description: 'The newest first.',
    answers: { 200: { schema: pageOf(batch), example: { items: [BATCH], nextCursor: null } } },
  },
  'GET /provisioning/batches/:id': {
    ...oneBatch,
    summary: 'One batch',
    answers: { 200: { schema: batch, example: BATCH } },
  },
  'PATCH /provisioning/batches/:id': {
    ...oneBatch,
    summary: 'Close or open a batch, change how many devices it may have and until when',
    description: 'What is given replaces what was; `null` is without.',
    bodyExample: { state: 'closed' },
    answers: { 200: { schema: batch, example: { ...BATCH, state: 'closed' } } },
  },
  'POST /provisioning/batches/:id/rotate': {
    ...oneBatch,
    summary: 'A new secret for a batch',
    description: 'The one before is good no more, at once.',
    answers: { 200: { schema: withSecret, example: { ...NEW_BATCH, batch: BATCH } } },
  },
  'POST /provisioning/batches/:id/devices': {
    ...oneBatch,
    summary: 'List more device ids that a batch admits',
    bodyExample: { deviceIds: ['press-4', 'press-5'] },
    answers: { 200: { schema: object({ added: count, listed: count }), example: { added: 2, listed: 14 } } },
    errors: ['not_found', 'too_large'],
  },
  'GET /provisioning/batches/:id/devices': {
    ...oneBatch,
    summary: 'The devices of a batch, and which of them were provisioned',
    answers: {
      200: {
        schema: pageOf(batchDevice),
        example: {
          items: [{ deviceId: 'press-4', state: 'provisioned', provisionedAt: '2026-03-01T07:00:00.000Z' }],
          nextCursor: null,
        },
      },
    },
  },
  'DELETE /provisioning/batches/:id/devices/:deviceId': {
    ...oneBatch,
    summary: 'Let a device be provisioned once more',
    description: 'Its keys, tokens and certificates are revoked. For one whose answer was lost, or that was reset.',
    answers: {
      200: { schema: batchDevice, example: { deviceId: 'press-4', state: 'waiting', provisionedAt: null } },
    },
  },
  'POST /provision': {
    tag,
    summary: 'Get an identity, as a new device',
    description:
      'Exactly once for each device. With a `csr` (PKCS #10 in PEM, its common name the device id) the answer has a certificate instead of a key. ' +
      'Over HTTPS the certificate of the batch, shown in the handshake, takes the place of key and secret. ' +
      'Whatever is wrong with key or secret: the same `unauthorized`.',
    bodyExample: { ...CREDENTIALS, deviceId: 'press-4' },
    answers: {
      201: {
        schema: object(
          {
            device: object({
              id: text,
              organization: text,
              type: textOrNull,
              tags: listOf(text),
              groups: listOf(text),
              metadata: anyObject,
            }),
            credentials: {
              oneOf: [object({ apiKey: text }), object({ certificate: text, chain: text, notAfter: time })],
            },
            claimCode: described(text, 'Of a batch with `claimCodes`: to be shown by the device.'),
          },
          ['claimCode'],
        ),
        example: {
          device: {
            id: 'press-4',
            organization: 'default',
            type: 'press',
            tags: ['2026-03'],
            groups: ['hall-3'],
            metadata: { manufacturer: 'Acme' },
          },
          credentials: { apiKey: 'skd_1Ab3e5Gh7Jk9Mn0Pq_kT3vX9mQe2RsLw7YbN5cJ1hZ8uF4gD6pA0iOqCtVxWB' },
        },
      },
    },
    errors: [
      'unauthorized',
      'forbidden',
      'already_provisioned',
      'provisioning_closed',
      'conflict',
      'lifecycle_conflict',
      'quota_exceeded',
      'rate_limited',
    ],
  },
  'POST /devices/claim': {
    tag: 'Claims',
    summary: 'Claim a device with the code that came with it',
    description: 'Only users claim, not API keys. A wrong, a used and an expired code are answered in the same way.',
    bodyExample: { claimCode: '7K3M-Q9XW-2DTP-H8VA' },
    answers: { 200: { schema: claim, example: CLAIM } },
    errors: ['not_found', 'rate_limited'],
  },
  'POST /devices/:id/claim-code': {
    tag: 'Claims',
    summary: 'A new claim code for a device',
    description: 'Shown once; the one that it had before is good no more.',
    bodyExample: { ttlSeconds: 604_800 },
    answers: {
      200: {
        schema: object({ deviceId: text, claimCode: text, expiresAt: time }),
        example: { deviceId: 'press-4', claimCode: '7K3M-Q9XW-2DTP-H8VA', expiresAt: '2026-03-31T06:15:00.000Z' },
      },
    },
    errors: ['not_found', 'conflict', 'lifecycle_conflict'],
  },
  'DELETE /devices/:id/claim': {
    tag: 'Claims',
    summary: 'Release a device that was claimed',
    description: 'By the user who claimed it, or by who may issue its credentials. Without a claim nothing happens.',
    answers: { 200: { schema: claim, example: { deviceId: 'press-4', claimedBy: null, claimedAt: null } } },
    errors: ['not_found'],
  },
};

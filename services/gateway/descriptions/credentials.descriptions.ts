import type { Descriptions } from './description.ts';
import { described, listOf, object, ref, text, time, timeOrNull } from './schemas/shapes.ts';

const tag = 'Device credentials';
const KEY = {
  id: '02fXeZdzvP0hGyYy8',
  name: 'first line',
  scopes: ['telemetry:publish', 'commands:receive'],
  createdAt: '2026-03-01T06:15:00.000Z',
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
};
const API_KEY = 'skd_02fXeZdzvP0hGyYy8_0000000000000000000000000000000000000000000';
const TOKEN = {
  id: '0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  scopes: null,
  createdAt: '2026-03-01T06:15:00.000Z',
  expiresAt: '2026-03-31T06:15:00.000Z',
  revokedAt: null,
};
const CERTIFICATE = {
  serialNumber: '5803D769F16A6D0F73EA297474598BB7',
  fingerprint: '0718ecd02b01ea81d5b253f19bb54ff660b13e5d6c4a9e86cd2f316b54878dc1',
  commonName: 'press-4',
  createdAt: '2026-03-01T06:15:00.123Z',
  notBefore: '2026-03-01T06:10:00.000Z',
  expiresAt: '2027-03-01T06:15:00.000Z',
  revokedAt: null,
};
const REVOKED = { revokedAt: '2026-03-02T08:00:00.000Z' };
const certificate = object({
  serialNumber: text,
  fingerprint: text,
  commonName: text,
  createdAt: time,
  notBefore: time,
  expiresAt: time,
  revokedAt: timeOrNull,
});
const shown = described(text, 'Shown this once.');
const refusals = ['lifecycle_conflict', 'too_many_credentials'] as const;
const BODY = { name: 'first line', scopes: ['telemetry:publish', 'commands:receive'] };

export const credentialDescriptions: Descriptions = {
  'GET /devices/:id/credentials': {
    tag,
    summary: 'The keys, tokens and certificates of a device',
    description: 'Without secrets. Those that work first, then the newest of those that have ended.',
    answers: {
      200: {
        schema: object({
          keys: listOf(ref('DeviceKey')),
          tokens: listOf(ref('DeviceToken')),
          certificates: listOf(certificate),
        }),
        example: { keys: [KEY], tokens: [TOKEN], certificates: [CERTIFICATE] },
      },
    },
  },
  'POST /devices/:id/keys': {
    tag,
    summary: 'Make a key for a device',
    description:
      'It ends at `expiresAt` or after `ttlSeconds`; with neither it does not end by itself. Without `scopes` it may do everything.',
    bodyExample: BODY,
    answers: {
      201: { schema: object({ key: ref('DeviceKey'), apiKey: shown }), example: { key: KEY, apiKey: API_KEY } },
    },
    errors: refusals,
  },
  'POST /devices/:id/keys/rotate': {
    tag,
    summary: 'A new key in place of the older ones',
    description:
      'The older ones end after `graceSeconds`; with 0 at once, and then the connections of the device are closed. A device with the scope `credentials:renew` may do it itself; then those are replaced that may do no more than the credential that it shows.',
    bodyExample: { graceSeconds: 3600 },
    answers: {
      201: {
        schema: object({ key: ref('DeviceKey'), apiKey: shown, replaced: listOf(ref('DeviceKey')) }),
        example: {
          key: KEY,
          apiKey: API_KEY,
          replaced: [{ ...KEY, id: '01aBcDeFgHiJkLmNo', expiresAt: '2026-03-01T07:15:00.000Z' }],
        },
      },
    },
    errors: refusals,
  },
  'DELETE /devices/:id/keys/:keyId': {
    tag,
    summary: 'Revoke a key',
    description:
      'The connections of the device are closed; with another credential it connects again. Again: the same answer.',
    answers: { 200: { schema: ref('DeviceKey'), example: { ...KEY, ...REVOKED } } },
  },
  'POST /devices/:id/tokens': {
    tag,
    summary: 'Make a token (JWT) for a device',
    description:
      'A device with the scope `credentials:renew` may do it itself; then the token has at most the scopes of the credential that it shows.',
    bodyExample: { ttlSeconds: 86_400 },
    answers: {
      201: {
        schema: object({ view: ref('DeviceToken'), token: shown }),
        example: {
          view: TOKEN,
          token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImRldmljZStqd3QifQ.eyJzdWIiOiJwcmVzcy00In0.c2lnbmF0dXJl',
        },
      },
    },
    errors: refusals,
  },
  'DELETE /devices/:id/tokens/:tokenId': {
    tag,
    summary: 'Revoke a token',
    description:
      'The connections of the device are closed; with another credential it connects again. Again: the same answer.',
    answers: { 200: { schema: ref('DeviceToken'), example: { ...TOKEN, ...REVOKED } } },
  },
};

import { AUDIT_RESULTS } from '../../../contracts/audit.contract.ts';
import type { Descriptions, Schema } from './description.ts';

const text = { type: 'string' } as const;
const orNull = { type: ['string', 'null'] } as const;
const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const time = (what: string): Schema => ({
  description: `${what}: ISO 8601 with a zone, or milliseconds since 1970.`,
  type: 'string',
});

const entry: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['seq', 'at', 'actor', 'act', 'target', 'address', 'result', 'data', 'hash'],
  properties: {
    seq: { type: 'integer', minimum: 1 },
    at: { type: 'string', format: 'date-time' },
    actor: text,
    act: text,
    target: orNull,
    address: orNull,
    result: { enum: [...AUDIT_RESULTS] },
    data: { type: 'object' },
    hash,
  },
};
const page: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['items', 'nextCursor'],
  properties: { items: { type: 'array', items: entry }, nextCursor: orNull },
};
const verification: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['entries', 'last', 'whole', 'brokenAt', 'nextAfter', 'hash'],
  properties: {
    entries: { type: 'integer' },
    last: { type: 'integer' },
    whole: { type: 'boolean' },
    brokenAt: { type: ['integer', 'null'] },
    nextAfter: { type: ['integer', 'null'] },
    hash: { type: 'string' },
  },
};
const HASH = '5f0c7a2f9e5a3f7b0d1c4e8a6b2d9f3c1a7e5b9d0f2c4a6e8b1d3f5a7c9e0b24';

export const auditDescriptions: Descriptions = {
  'GET /audit': {
    tag: 'Audit',
    summary: 'Reads the audit log of the organization, newest first.',
    query: { from: time('From this moment on'), to: time('Before this moment') },
    answers: {
      200: {
        schema: page,
        example: {
          items: [
            {
              seq: 42,
              at: '2026-01-01T12:00:00.123456Z',
              actor: 'user 0193b3a0-7a11-7c3e-9d0a-2f4b6c8d0e1f',
              act: 'device.suspended',
              target: 'device press-4',
              address: '192.0.2.7',
              result: 'done',
              data: { reason: 'stolen' },
              hash: HASH,
            },
          ],
          nextCursor: null,
        },
      },
    },
  },
  'GET /audit/verify': {
    tag: 'Audit',
    summary: 'Computes the chain of hashes again and says whether an entry was changed or taken out.',
    description: 'Looks at a bounded part of the log. Go on with `after` set to `nextAfter` until that is null.',
    query: { after: { type: 'integer', minimum: 0, description: 'Entries after the one with this number.' } },
    answers: {
      200: {
        schema: verification,
        example: { entries: 42, last: 42, whole: true, brokenAt: null, nextAfter: null, hash: HASH },
      },
    },
  },
};

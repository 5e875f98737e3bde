import type { Descriptions } from './description.ts';
import { anyObject, ref } from './schemas/shapes.ts';

const TWIN = {
  deviceId: 'press-4',
  reported: { firmware: '2.4.1', intervalSeconds: 60 },
  reportedVersion: 7,
  desired: { intervalSeconds: 30 },
  desiredVersion: 3,
  delta: { intervalSeconds: 30 },
  timestamps: {
    reported: { firmware: 1772344800000, intervalSeconds: 1772344800000 },
    desired: { intervalSeconds: 1772348400000 },
  },
};

export const twinDescriptions: Descriptions = {
  'GET /devices/:id/twin': {
    tag: 'Twins',
    summary: 'What a device reports of itself, and what is desired of it',
    description:
      'With `at` as it was then, and which commands were open. The ETag has two versions, that of `desired` first; what was has none.',
    query: {
      at: {
        description: 'As it was then: ISO 8601 with a zone, or milliseconds since 1970.',
        type: 'string',
        examples: ['2026-03-01T06:00:00Z'],
      },
    },
    answers: { 200: { schema: { anyOf: [ref('Twin'), ref('PastTwin')] }, example: TWIN, headers: ['ETag'] } },
  },
  'PATCH /devices/:id/twin/desired': {
    tag: 'Twins',
    summary: 'Change what is desired of a device',
    description:
      'The body is a merge patch (RFC 7396): null removes. One that changes nothing makes no new version, so it may be sent again.',
    body: anyObject,
    bodyExample: { intervalSeconds: 30, display: null },
    answers: { 200: { schema: ref('Twin'), example: TWIN, headers: ['ETag'] } },
    errors: ['lifecycle_conflict', 'too_large'],
  },
};

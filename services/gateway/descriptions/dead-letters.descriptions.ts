import type { Descriptions } from './description.ts';
import {
  count,
  described,
  object,
  oneOf,
  pageOf,
  ref,
  text,
  textOrNull,
  time,
  uuid,
  yesOrNo,
} from './schemas/shapes.ts';

const DEAD_LETTER = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  deviceId: 'press-4',
  kind: 'telemetry',
  topic: 'devices/press-4/telemetry',
  contentType: 'application/json',
  reason: 'timestamp_ahead',
  detail: 'The timestamp is more than 86400 seconds ahead',
  payload: '{"timestamp":"2036-03-01T06:15:00Z","values":{"temperature":22.5}}',
  payloadEncoding: 'utf8',
  payloadBytes: 67,
  receivedAt: '2026-03-01T06:15:00.000Z',
  triedAt: null,
  attempts: 0,
  replayedAt: null,
};
const REPLAY = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d82',
  state: 'running',
  filter: { reason: 'invalid_value', from: '2026-03-01T00:00:00.000Z' },
  total: 1200,
  pending: 400,
  stored: 790,
  duplicate: 0,
  rejected: 10,
  createdAt: '2026-03-02T08:00:00.000Z',
  endedAt: null,
};

const moment = described(time, 'ISO 8601 with a zone, or milliseconds since 1970.');
const matching = { deviceId: text, reason: text, kind: text, from: moment, to: moment } as const;
const MATCHING = ['deviceId', 'reason', 'kind', 'from', 'to'];
const replayed = described(yesOrNo, 'Whether it was replayed. Absent: both.');

export const deadLetterDescriptions: Descriptions = {
  'GET /dead-letters': {
    tag: 'Dead letters',
    summary: 'Messages that could not be stored',
    description:
      'The newest first: those that fit all that is said. `from` is the first moment, `to` the first one after it.',
    query: { from: moment, to: moment, replayed },
    answers: { 200: { schema: pageOf(ref('DeadLetter')), example: { items: [DEAD_LETTER], nextCursor: null } } },
  },
  'GET /dead-letters/counts': {
    tag: 'Dead letters',
    summary: 'How many were not replayed, by reason and by kind',
    answers: {
      200: {
        schema: ref('DeadLetterCounts'),
        example: {
          total: 12,
          byReason: { invalid_json: 2, invalid_value: 10 },
          byKind: { telemetry: 12 },
          oldestAt: '2026-03-01T06:15:00.000Z',
          oldestAgeSeconds: 86_400,
        },
      },
    },
  },
  'POST /dead-letters/replay': {
    tag: 'Dead letters',
    summary: 'Try many again',
    description:
      'All that fit and were not replayed, in the background: of each device the oldest first. What is rejected again stays, with the new reason. One run at a time.',
    body: object(matching, MATCHING),
    bodyExample: { reason: 'invalid_value', from: '2026-03-01T00:00:00Z' },
    answers: {
      202: {
        schema: ref('DeadLetterReplay'),
        example: { ...REPLAY, pending: 1200, stored: 0, rejected: 0 },
        headers: ['Location'],
      },
    },
    errors: ['conflict'],
  },
  'GET /dead-letters/replays': {
    tag: 'Dead letters',
    summary: 'Runs that try many again',
    description: 'The newest first.',
    answers: { 200: { schema: pageOf(ref('DeadLetterReplay')), example: { items: [REPLAY], nextCursor: null } } },
  },
  'GET /dead-letters/replays/:id': {
    tag: 'Dead letters',
    summary: 'How far such a run is',
    answers: { 200: { schema: ref('DeadLetterReplay'), example: REPLAY } },
  },
  'POST /dead-letters/replays/:id/cancel': {
    tag: 'Dead letters',
    summary: 'Try no more of a run',
    description: 'What it has tried stays as it is. Again: the run as it is.',
    answers: {
      200: {
        schema: ref('DeadLetterReplay'),
        example: { ...REPLAY, state: 'cancelled', pending: 0, endedAt: '2026-03-02T08:01:00.000Z' },
      },
    },
  },
  'POST /dead-letters/purge': {
    tag: 'Dead letters',
    summary: 'Remove many',
    description:
      'All that fit, the oldest first, as many as one request removes: `more` says whether there are others. With `dryRun` nothing is removed, only counted.',
    body: object({ ...matching, replayed, dryRun: yesOrNo }, [...MATCHING, 'replayed', 'dryRun']),
    bodyExample: { reason: 'invalid_json', to: '2026-03-01T00:00:00Z', dryRun: true },
    answers: {
      200: {
        schema: object({ count, dryRun: yesOrNo, more: yesOrNo }),
        example: { count: 120, dryRun: true, more: false },
      },
    },
  },
  'DELETE /dead-letters/:id': {
    tag: 'Dead letters',
    summary: 'Remove one',
    answers: { 200: { schema: object({ id: uuid, purged: yesOrNo }), example: { id: DEAD_LETTER.id, purged: true } } },
  },
  'GET /dead-letters/:id': {
    tag: 'Dead letters',
    summary: 'One message that could not be stored',
    answers: { 200: { schema: ref('DeadLetter'), example: DEAD_LETTER } },
  },
  'POST /dead-letters/:id/replay': {
    tag: 'Dead letters',
    summary: 'Try it again',
    description: '`stored` or `duplicate` marks it as replayed. `rejected` leaves it, with the new reason.',
    answers: {
      200: {
        schema: object({ id: text, state: oneOf(['stored', 'duplicate', 'rejected']), reason: textOrNull }),
        example: { id: DEAD_LETTER.id, state: 'stored', reason: null },
      },
    },
    errors: ['conflict', 'lifecycle_conflict'],
  },
};

import type { Descriptions } from './description.ts';
import { object, oneOf, pageOf, ref, text, textOrNull } from './schemas/shapes.ts';

const DEAD_LETTER = {
  id: '42',
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
  replayedAt: null,
};

export const deadLetterDescriptions: Descriptions = {
  'GET /dead-letters': {
    tag: 'Dead letters',
    summary: 'Messages that could not be stored',
    description: 'The newest first.',
    answers: { 200: { schema: pageOf(ref('DeadLetter')), example: { items: [DEAD_LETTER], nextCursor: null } } },
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
        example: { id: '42', state: 'stored', reason: null },
      },
    },
    errors: ['conflict', 'lifecycle_conflict'],
  },
};

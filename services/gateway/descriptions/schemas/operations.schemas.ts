/** Of what watches the system: sessions, events, dead letters, health. */
import { REPLAY_STATES } from '../../../../contracts/dead-letters.contract.ts';
import { DEVICE_EVENT_KINDS } from '../../../../contracts/events.ts';
import { PRESENCE_STATUSES, RECEIVED } from '../../../../contracts/sessions.contract.ts';
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
  timeOrNull,
} from './shapes.ts';

const SESSION = object({
  deviceId: text,
  status: described(
    oneOf(PRESENCE_STATUSES),
    '`unknown`: its node is gone since a moment ago; it may be connecting elsewhere.',
  ),
  session: { type: ['integer', 'null'] },
  nodeId: described(textOrNull, 'The node that it is, or was, connected to.'),
  protocol: textOrNull,
  peer: described(textOrNull, 'Host and port that it connected from.'),
  connectedAt: timeOrNull,
  disconnectedAt: timeOrNull,
  reason: described(textOrNull, 'Why it was disconnected.'),
  receives: described(listOf(oneOf(Object.keys(RECEIVED))), 'What it subscribed to.'),
});

const EVENT = object({
  id: described(text, 'Names the event, for ever.'),
  kind: oneOf(DEVICE_EVENT_KINDS),
  at: time,
  deviceId: text,
  data: described(anyObject, 'By `kind`.'),
});

const DEAD_LETTER = object({
  id: text,
  deviceId: text,
  kind: text,
  topic: text,
  contentType: text,
  reason: text,
  detail: text,
  payload: described(text, 'UTF-8 text when it is text, else base64.'),
  payloadEncoding: oneOf(['utf8', 'base64']),
  payloadBytes: count,
  receivedAt: time,
  triedAt: described(timeOrNull, 'When it was tried again the last time: its reason and detail are of then.'),
  attempts: count,
  replayedAt: timeOrNull,
});

const DEAD_LETTER_COUNTS = object({
  total: count,
  byReason: mapOf(count),
  byKind: mapOf(count),
  oldestAt: timeOrNull,
  oldestAgeSeconds: { type: ['integer', 'null'], minimum: 0 },
});

const DEAD_LETTER_REPLAY = object({
  id: text,
  state: oneOf(REPLAY_STATES),
  filter: described(mapOf(text), 'As it was asked for.'),
  total: described(count, 'How many there were when it began.'),
  pending: count,
  stored: count,
  duplicate: count,
  rejected: count,
  createdAt: time,
  endedAt: timeOrNull,
});

const CONDITION: Schema = oneOf(['healthy', 'degraded', 'unhealthy']);
const FIGURES: Schema = mapOf({ type: ['number', 'string'] });

export const operationSchemas = {
  Session: SESSION,
  Event: EVENT,
  DeadLetter: DEAD_LETTER,
  DeadLetterCounts: DEAD_LETTER_COUNTS,
  DeadLetterReplay: DEAD_LETTER_REPLAY,
  Condition: CONDITION,
  Figures: FIGURES,
  HealthReport: object(
    {
      condition: { $ref: '#/components/schemas/Condition' },
      detail: text,
      figures: { $ref: '#/components/schemas/Figures' },
    },
    ['detail'],
  ),
} as const;

import { COMMAND_MODES, PRIORITIES } from '../../../contracts/commands.ts';
import type { Description, Descriptions, Schema } from './description.ts';
import { described, object, oneOf, pageOf, ref, text, textOrNull } from './schemas/shapes.ts';

export const COMMAND_EXAMPLE = {
  id: '0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  deviceId: 'press-4',
  command: 'set-speed',
  parameters: { strokesPerMinute: 40 },
  mode: 'retry',
  priority: 'normal',
  supersedes: null,
  state: 'queued',
  attempt: 0,
  createdAt: '2026-03-01T06:15:00.000Z',
  deadline: '2026-03-02T06:15:00.000Z',
  endedAt: null,
  result: null,
  error: null,
  jobId: null,
  resendOf: null,
  requestedBy: 'application 8fKq2LxW',
  history: [{ state: 'queued', at: '2026-03-01T06:15:00.000Z', attempt: 0, reason: null }],
};
const ENDED = {
  ...COMMAND_EXAMPLE,
  state: 'succeeded',
  attempt: 1,
  endedAt: '2026-03-01T06:15:02.310Z',
  result: { strokesPerMinute: 40 },
  history: [
    ...COMMAND_EXAMPLE.history,
    { state: 'sent', at: '2026-03-01T06:15:00.040Z', attempt: 1, reason: null },
    { state: 'succeeded', at: '2026-03-01T06:15:02.310Z', attempt: 1, reason: null },
  ],
};

const ttl: Schema = { type: ['integer', 'null'], minimum: 1, description: 'How long it is tried, in milliseconds.' };
const orNull = (values: readonly string[]): Schema => oneOf([...values, null]);

/** What may be said of a command. What is left out, or null, comes from the device type, or is as usual. */
export const commandFields = {
  command: { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,64}$' },
  parameters: { type: ['object', 'null'] },
  mode: orNull(COMMAND_MODES),
  priority: orNull(PRIORITIES),
  ttlMs: ttl,
  ttl_ms: described(ttl, 'The same as `ttlMs`.'),
  supersedes: described(textOrNull, 'The newest command of a device with this key replaces those that wait.'),
} as const satisfies Record<string, Schema>;
export const OPTIONAL_COMMAND_FIELDS = Object.keys(commandFields).filter(it => it !== 'command');

const request: Schema = object(
  { ...commandFields, deadline: described(text, 'Until when it is tried, instead of `ttlMs`: ISO 8601 with a zone.') },
  [...OPTIONAL_COMMAND_FIELDS, 'deadline'],
);

const list = (summary: string, description?: string): Description => ({
  tag: 'Commands',
  summary,
  ...(description !== undefined && { description }),
  answers: { 200: { schema: pageOf(ref('Command')), example: { items: [ENDED], nextCursor: null } } },
});

const refusals = [
  'command_unknown',
  'command_parameters_invalid',
  'too_many_commands',
  'lifecycle_conflict',
  'too_large',
] as const;

export const commandDescriptions: Descriptions = {
  'POST /devices/:id/commands': {
    tag: 'Commands',
    summary: 'Send a command to a device',
    description:
      'The answer comes when the command is stored, or with `wait` when it has ended or the time is over: 202 while it goes on, 200 when it has ended.',
    omits: ['deviceId', 'waitSeconds'],
    query: { wait: { description: 'Seconds to wait for its end.', type: 'number', minimum: 0 } },
    body: request,
    bodyExample: { command: 'set-speed', parameters: { strokesPerMinute: 40 }, ttlMs: 60_000 },
    answers: {
      202: { schema: ref('Command'), example: COMMAND_EXAMPLE, headers: ['Location'] },
      200: { schema: ref('Command'), example: ENDED, headers: ['Location'] },
    },
    errors: refusals,
  },
  'GET /devices/:id/commands': {
    ...list('Commands of a device', 'The newest first.'),
    omits: ['deviceId'],
  },
  'GET /commands': list('Commands of all devices', 'The newest first.'),
  'GET /commands/:id': {
    tag: 'Commands',
    summary: 'One command, and what happened to it',
    answers: { 200: { schema: ref('Command'), example: ENDED } },
  },
  'POST /commands/:id/cancel': {
    tag: 'Commands',
    summary: 'End a command',
    description: '`cancelled` before any attempt; `unknown` after one, since nobody can say what came of it.',
    body: object({ reason: textOrNull }, ['reason']),
    bodyExample: { reason: 'the press is being repaired' },
    answers: {
      200: {
        schema: ref('Command'),
        example: {
          ...COMMAND_EXAMPLE,
          state: 'cancelled',
          endedAt: '2026-03-01T06:16:00.000Z',
          history: [
            ...COMMAND_EXAMPLE.history,
            { state: 'cancelled', at: '2026-03-01T06:16:00.000Z', attempt: 0, reason: 'the press is being repaired' },
          ],
        },
      },
    },
    errors: ['command_ended'],
  },
  'POST /commands/:id/resend': {
    tag: 'Commands',
    summary: 'Send a command that has ended again, as a new one',
    body: object({ ttlMs: ttl, ttl_ms: described(ttl, 'The same as `ttlMs`.') }, ['ttlMs', 'ttl_ms']),
    bodyExample: { ttlMs: 60_000 },
    answers: {
      202: {
        schema: ref('Command'),
        example: { ...COMMAND_EXAMPLE, resendOf: '0195f2a4-1a2b-7c3d-8e4f-5a6b7c8d9e0f' },
        headers: ['Location'],
      },
      200: { schema: ref('Command'), example: ENDED, headers: ['Location'] },
    },
    errors: [...refusals, 'command_open'],
  },
  'GET /dead-letters/commands': list('Commands that ended badly', 'The newest first. They may be sent again.'),
};

import { commandFields, OPTIONAL_COMMAND_FIELDS } from './commands.descriptions.ts';
import type { Description, Descriptions } from './description.ts';
import { anyObject, described, object, pageOf, ref } from './schemas/shapes.ts';

const SUMMARY = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  kind: 'command',
  state: 'running',
  target: { group: 'hall-3' },
  total: 120,
  pending: 20,
  done: 98,
  refused: 2,
  createdAt: '2026-03-01T06:15:00.000Z',
  endedAt: null,
};
const JOB = {
  ...SUMMARY,
  request: { command: { command: 'reboot', parameters: {} } },
  commands: { queued: 40, succeeded: 58 },
};

const begun = {
  202: {
    schema: ref('Job'),
    example: { ...JOB, pending: 120, done: 0, refused: 0, commands: {} },
    headers: ['Location'],
  },
} as const;
const make = {
  tag: 'Jobs',
  description:
    'Takes as many devices as one job may have; it is stored with an item for each of them, and done from then on.',
  answers: begun,
  errors: ['too_large', 'not_found', 'conflict'],
} as const satisfies Partial<Description>;
const command = object(commandFields, OPTIONAL_COMMAND_FIELDS);
const desired = object({ patch: described(anyObject, 'A merge patch (RFC 7396).') });

export const jobDescriptions: Descriptions = {
  'POST /jobs': {
    ...make,
    summary: 'Send a command to many devices, or change what is desired of them',
    body: {
      description: 'Either `command` or `desired`.',
      oneOf: [object({ target: ref('JobTarget'), command }), object({ target: ref('JobTarget'), desired })],
    },
    bodyExample: { target: { group: 'hall-3' }, command: { command: 'reboot' } },
  },
  'POST /commands': {
    ...make,
    summary: 'Send a command to many devices',
    body: object({ target: ref('JobTarget'), ...commandFields }, OPTIONAL_COMMAND_FIELDS),
    bodyExample: { target: { type: 'press' }, command: 'set-speed', parameters: { strokesPerMinute: 40 } },
  },
  'PATCH /twins/desired': {
    ...make,
    summary: 'Change what is desired of many devices',
    body: object({ target: ref('JobTarget'), patch: described(anyObject, 'A merge patch (RFC 7396).') }),
    bodyExample: { target: { tag: 'outdoor' }, patch: { intervalSeconds: 30 } },
  },
  'GET /jobs': {
    tag: 'Jobs',
    summary: 'Jobs',
    description: 'The newest first.',
    answers: { 200: { schema: pageOf(ref('JobSummary')), example: { items: [SUMMARY], nextCursor: null } } },
  },
  'GET /jobs/:id': {
    tag: 'Jobs',
    summary: 'How far a job is',
    answers: { 200: { schema: ref('Job'), example: JOB } },
  },
  'GET /jobs/:id/items': {
    tag: 'Jobs',
    summary: 'The devices of a job, and what became of each',
    description: 'In the order in which they were registered.',
    answers: {
      200: {
        schema: pageOf(ref('JobItem')),
        example: {
          items: [
            {
              deviceId: 'press-4',
              state: 'done',
              commandId: '0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
              reason: null,
              detail: null,
            },
          ],
          nextCursor: null,
        },
      },
    },
  },
  'POST /jobs/:id/cancel': {
    tag: 'Jobs',
    summary: 'Do no more of a job',
    description: 'What is pending stays undone, and its waiting commands are cancelled. Again: the job as it is.',
    answers: {
      200: { schema: ref('Job'), example: { ...JOB, state: 'cancelled', endedAt: '2026-03-01T06:20:00.000Z' } },
    },
  },
};

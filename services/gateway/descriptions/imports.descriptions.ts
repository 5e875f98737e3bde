import { IMPORT_FORMATS, IMPORT_STATES, LINE_STATES } from '../../../contracts/imports.contract.ts';
import type { Description, Descriptions } from './description.ts';
import {
  count,
  described,
  object,
  oneOf,
  pageOf,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  yesOrNo,
} from './schemas/shapes.ts';

const view = object({
  id: uuid,
  format: oneOf(IMPORT_FORMATS),
  state: oneOf(IMPORT_STATES),
  dryRun: described(yesOrNo, 'Nothing is made: `created` are those that would have been.'),
  total: count,
  created: count,
  refused: count,
  pending: count,
  donePercent: count,
  requestedBy: text,
  createdAt: time,
  endedAt: timeOrNull,
});
const line = object({
  line: described(count, 'Where it begins in the file, from 1.'),
  deviceId: textOrNull,
  state: oneOf(LINE_STATES),
  reason: described(textOrNull, 'An error type.'),
  detail: textOrNull,
});

const ENDED = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  format: 'csv',
  state: 'completed',
  dryRun: false,
  total: 1200,
  created: 1198,
  refused: 2,
  pending: 0,
  donePercent: 100,
  requestedBy: 'user 0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  createdAt: '2026-03-01T06:15:00.000Z',
  endedAt: '2026-03-01T06:15:04.000Z',
};
const BEGUN = { ...ENDED, state: 'running', created: 0, refused: 1, pending: 1199, donePercent: 0, endedAt: null };
const tag = 'Imports';
const one = { tag, errors: ['not_found'] } as const satisfies Partial<Description>;

export const importDescriptions: Descriptions = {
  'POST /devices/imports': {
    tag,
    summary: 'Register many devices from a file',
    description:
      'CSV with a first line that names the columns (`id`, `name`, `type`, `tags`, `groups`, `capabilities`, `commandWindow`, `location`, ' +
      '`metadata.*`), or one JSON object in each line. Answers when the file is stored; it is worked off from then on.',
    body: text,
    bodyExample: 'id,name,type,tags,metadata.line\npress-4,Press 4,press,new;blue,7\n',
    query: { dryRun: oneOf(['true', 'false']) },
    omits: ['id', 'sha256'],
    answers: { 202: { schema: view, example: BEGUN, headers: ['Location'] } },
    errors: ['too_large', 'unsupported_media_type', 'rate_limited'],
  },
  'GET /devices/imports': {
    tag,
    summary: 'Imports',
    description: 'The newest first.',
    answers: { 200: { schema: pageOf(view), example: { items: [ENDED], nextCursor: null } } },
  },
  'GET /devices/imports/:id': {
    ...one,
    summary: 'How far an import is',
    answers: { 200: { schema: view, example: ENDED } },
  },
  'GET /devices/imports/:id/lines': {
    ...one,
    summary: 'The lines of an import, and what became of each',
    description: 'In the order of the file.',
    answers: {
      200: {
        schema: pageOf(line),
        example: {
          items: [
            {
              line: 17,
              deviceId: 'press-4',
              state: 'refused',
              reason: 'conflict',
              detail: 'A device "press-4" exists already',
            },
          ],
          nextCursor: null,
        },
      },
    },
  },
  'GET /devices/imports/:id/credentials': {
    ...one,
    summary: 'The API keys of the devices that an import made',
    description:
      'As a file, as long as they are kept. In CSV a name that a spreadsheet would take for a formula begins with an apostrophe.',
    omits: ['limit', 'cursor'],
    answers: {
      200: {
        schema: text,
        contentType: 'text/csv',
        example:
          'line,id,name,apiKey\r\n2,press-4,Press 4,skd_1Ab3e5Gh7Jk9Mn0Pq_kT3vX9mQe2RsLw7YbN5cJ1hZ8uF4gD6pA0iOqCtVxWB\r\n',
      },
    },
  },
  'DELETE /devices/imports/:id/credentials': {
    ...one,
    summary: 'Forget the API keys of an import',
    description: 'They go on working, but nobody can read them any more.',
    answers: { 200: { schema: object({ forgotten: count }), example: { forgotten: 1198 } } },
  },
  'POST /devices/imports/:id/cancel': {
    ...one,
    summary: 'Do no more of an import',
    description: 'What is pending stays undone. Again, or when it has ended: the import as it is.',
    answers: {
      200: {
        schema: view,
        example: { ...ENDED, state: 'cancelled', created: 400, refused: 1, pending: 799, donePercent: 33 },
      },
    },
  },
};

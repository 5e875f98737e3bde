import { HISTORY_FORMATS, HISTORY_FORMS, HISTORY_STATES } from '../../../contracts/telemetry-imports.contract.ts';
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
  format: oneOf(HISTORY_FORMATS),
  form: described(oneOf(HISTORY_FORMS), 'Of CSV: one value in each line, or a column for each measurement.'),
  state: oneOf(HISTORY_STATES),
  dryRun: described(yesOrNo, 'Nothing is stored: `stored` are the datapoints that would have been tried.'),
  bytes: described(count, 'Of the file, without compression.'),
  donePercent: described(
    { type: ['integer', 'null'], minimum: 0 },
    'Null: not known, as of Parquet until it is completed.',
  ),
  lines: described(count, 'Lines (of Parquet: rows) that were read.'),
  refused: described(count, 'Those of them that were refused.'),
  reasons: described({ type: 'object', additionalProperties: count }, 'Refused lines by their reason.'),
  reported: described(count, 'Refused lines that the report has: the first ones.'),
  stored: described(count, 'Datapoints.'),
  flagged: described(count, 'Datapoints that the type of their device flags.'),
  duplicates: described(count, 'Datapoints that were there before.'),
  failure: described(textOrNull, 'Why the whole of it failed.'),
  requestedBy: text,
  createdAt: time,
  endedAt: timeOrNull,
});
const refusedLine = object({
  line: described(count, 'Where it begins in the file, from 1; of Parquet the row.'),
  deviceId: textOrNull,
  reason: described(text, 'As those of dead letters, `device_unknown`, or `invalid_line`.'),
  detail: textOrNull,
});

const ENDED = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  format: 'csv',
  form: 'long',
  state: 'completed',
  dryRun: false,
  bytes: 73_400_320,
  donePercent: 100,
  lines: 1_310_720,
  refused: 2,
  reasons: { invalid_timestamp: 1, device_unknown: 1 },
  reported: 2,
  stored: 1_310_000,
  flagged: 12,
  duplicates: 718,
  failure: null,
  requestedBy: 'user 0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  createdAt: '2026-03-01T06:15:00.000Z',
  endedAt: '2026-03-01T06:15:14.000Z',
};
const BEGUN = {
  ...ENDED,
  ...{ state: 'running', donePercent: 0, lines: 0, refused: 0, reasons: {}, reported: 0, stored: 0, flagged: 0 },
  ...{ duplicates: 0, endedAt: null },
};
const tag = 'Telemetry';
const one = { tag, errors: ['not_found'] } as const satisfies Partial<Description>;

export const telemetryImportDescriptions: Descriptions = {
  'POST /telemetry/imports': {
    tag,
    summary: 'Import telemetry of former times from a file',
    description:
      'CSV whose first line names the columns (`deviceId`, `measurement`, `timestamp`, `value`, and if there are any `quality`, `unit`), or with ' +
      '`form=wide` `deviceId`, `timestamp` and a column for each measurement; NDJSON with items as `POST /telemetry` takes them; or Parquet. ' +
      '`Content-Encoding: gzip` is taken. Answers when the file is stored; it is worked off from then on.',
    body: text,
    bodyExample: 'deviceId,measurement,timestamp,value\npress-4,temperature,2025-03-01T06:15:00Z,71.5\n',
    query: { format: oneOf(HISTORY_FORMATS), form: oneOf(HISTORY_FORMS), dryRun: oneOf(['true', 'false']) },
    omits: ['id', 'bytes', 'sha256'],
    answers: { 202: { schema: view, example: BEGUN, headers: ['Location'] } },
    errors: ['too_large', 'unsupported_media_type', 'rate_limited', 'storage_full'],
  },
  'GET /telemetry/imports': {
    tag,
    summary: 'Imports of telemetry',
    description: 'The newest first.',
    answers: { 200: { schema: pageOf(view), example: { items: [ENDED], nextCursor: null } } },
  },
  'GET /telemetry/imports/:id': {
    ...one,
    summary: 'How far an import of telemetry is',
    answers: { 200: { schema: view, example: ENDED } },
  },
  'GET /telemetry/imports/:id/report': {
    ...one,
    summary: 'The lines that an import of telemetry refused, and why',
    description:
      'In the order of the file, no more than the first ones. With `format=ndjson` all of the report as one file.',
    answers: {
      200: {
        schema: pageOf(refusedLine),
        example: {
          items: [
            {
              line: 17,
              deviceId: 'press-4',
              reason: 'invalid_timestamp',
              detail: '1709273700 is before 2000; it looks like seconds: send milliseconds',
            },
          ],
          nextCursor: null,
        },
      },
    },
  },
  'POST /telemetry/imports/:id/cancel': {
    ...one,
    summary: 'Do no more of an import of telemetry',
    description: 'What is stored stays stored. Again, or when it has ended: the import as it is.',
    answers: { 200: { schema: view, example: { ...ENDED, state: 'cancelled', donePercent: 33, lines: 430_000 } } },
  },
  'DELETE /telemetry/imports/:id': {
    ...one,
    summary: 'Forget an import of telemetry',
    description:
      'With its file and its report. What it stored stays stored. One that has not ended is cancelled first.',
    answers: { 200: { schema: view, example: ENDED } },
  },
};

import { COVERED, EXPORT_FAULTS, EXPORT_FORMATS, EXPORT_STATES } from '../../../contracts/exports.contract.ts';
import { AGGREGATES } from '../../../contracts/telemetry.contract.ts';
import type { Description, Descriptions } from './description.ts';
import {
  count,
  described,
  listOf,
  object,
  oneOf,
  pageOf,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
  uuidOrNull,
  yesOrNo,
} from './schemas/shapes.ts';

const tag = 'Exports';
const moment = { description: 'ISO 8601 with a zone, or milliseconds since 1970.', type: ['string', 'integer'] };
const deviceIds = described(
  listOf(text),
  'At most one of `deviceIds`, `group`, `deviceType`, `tag`; without any, all devices.',
);
const selection = {
  deviceIds,
  group: text,
  deviceType: text,
  tag: text,
  measurements: described(listOf(text), 'Absent: all.'),
  format: oneOf(EXPORT_FORMATS),
  compression: described(oneOf(['gzip']), 'For `csv` and `ndjson`.'),
  interval: described(text, 'Buckets in the place of readings: `30s`, `5m`, `1h`, `1d`, `1w`, `1mo`, `1y`.'),
  aggregate: described(listOf(oneOf(AGGREGATES)), 'What buckets say.'),
  timezone: described(text, 'IANA name, for buckets.'),
  escapeFormulas: described(
    yesOrNo,
    'CSV: texts that a spreadsheet would take for a formula begin with an apostrophe.',
  ),
};
const optional = Object.keys(selection).filter(it => it !== 'format');
const view = {
  ...selection,
  id: uuid,
  state: oneOf(EXPORT_STATES),
  from: time,
  to: time,
  progress: object({ rows: count, share: described({ type: 'number', minimum: 0, maximum: 1 }, 'Of the series.') }),
  bytes: described(count, 'Of the file so far.'),
  reason: { enum: [...EXPORT_FAULTS, null] },
  detail: textOrNull,
  scheduleId: uuidOrNull,
  dueTime: timeOrNull,
  requestedBy: text,
  createdAt: time,
  endedAt: timeOrNull,
  expiresAt: described(timeOrNull, 'Then it is removed, with its file.'),
};
const listed = { deviceIds: described(count, 'How many were named.') };
const scheduleView = {
  ...selection,
  id: uuid,
  name: text,
  cron: text,
  timezone: text,
  window: oneOf(COVERED),
  paused: yesOrNo,
  nextAt: timeOrNull,
  lastDueTime: timeOrNull,
  lastExportId: uuidOrNull,
  requestedBy: text,
  createdAt: time,
};
const ofSchedule = optional.filter(it => it !== 'timezone');

const REQUEST = { deviceType: 'press', measurements: ['force'], format: 'csv', compression: 'gzip' };
const SPAN = { from: '2026-02-01T00:00:00.000Z', to: '2026-03-01T00:00:00.000Z' };
const QUEUED = {
  id: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  state: 'queued',
  ...REQUEST,
  ...SPAN,
  progress: { rows: 0, share: 0 },
  bytes: 0,
  reason: null,
  detail: null,
  scheduleId: null,
  dueTime: null,
  requestedBy: 'user 0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  createdAt: '2026-03-01T06:15:00.000Z',
  endedAt: null,
  expiresAt: null,
};
const COMPLETED = {
  ...QUEUED,
  state: 'completed',
  progress: { rows: 2_419_200, share: 1 },
  bytes: 13_107_422,
  endedAt: '2026-03-01T06:15:41.000Z',
  expiresAt: '2026-03-08T06:15:41.000Z',
};
const SCHEDULE = {
  id: '0195f2a4-7c1e-7d3a-9b5e-2f6c8d1e4a70',
  name: 'forces of each day',
  cron: '0 6 * * *',
  ...REQUEST,
  timezone: 'Europe/Berlin',
  window: 'previous day',
  paused: false,
  nextAt: '2026-03-02T05:00:00.000Z',
  lastDueTime: '2026-03-01T05:00:00.000Z',
  lastExportId: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81',
  requestedBy: QUEUED.requestedBy,
  createdAt: '2026-02-27T12:00:00.000Z',
};
const one = { tag, errors: ['not_found'] } as const satisfies Partial<Description>;
const exportView = object(view, optional);
const schedule = object(scheduleView, ofSchedule);
const answers = { 200: { schema: schedule, example: SCHEDULE } } as const;

export const exportDescriptions: Descriptions = {
  'POST /exports': {
    tag,
    summary: 'Export telemetry as a file',
    description:
      'In the background. What is stored before it begins is in the file; what comes meanwhile may be. Readings of the archive are.',
    body: object({ ...selection, from: moment, to: moment }, optional),
    bodyExample: { ...REQUEST, ...SPAN },
    answers: { 202: { schema: exportView, example: QUEUED, headers: ['Location'] } },
    errors: ['not_found', 'too_large', 'too_many_buckets', 'quota_exceeded'],
  },
  'GET /exports': {
    tag,
    summary: 'Exports',
    description: 'The newest first. Of devices that were named one by one, only how many there are.',
    query: { scheduleId: described(text, 'Those of a schedule.') },
    answers: {
      200: {
        schema: pageOf(object({ ...view, ...listed }, optional)),
        example: { items: [COMPLETED], nextCursor: null },
      },
    },
  },
  'POST /exports/schedules': {
    tag,
    summary: 'Export telemetry again and again',
    description:
      'At the times of a cron pattern of five parts, by the clocks of `timezone` (UTC unless said), the last whole hour, day, week or month that has ended. Each time once; of several that passed while no node was running, only the last one.',
    body: object({ name: text, cron: text, window: oneOf(COVERED), ...selection }, optional),
    bodyExample: {
      name: SCHEDULE.name,
      cron: SCHEDULE.cron,
      window: 'previous day',
      timezone: 'Europe/Berlin',
      ...REQUEST,
    },
    answers: { 201: { schema: schedule, example: SCHEDULE, headers: ['Location'] } },
    errors: ['not_found', 'too_large', 'too_many_buckets', 'quota_exceeded', 'conflict'],
  },
  'GET /exports/schedules': {
    tag,
    summary: 'Schedules of exports',
    description: 'By name.',
    answers: {
      200: {
        schema: pageOf(object({ ...scheduleView, ...listed }, ofSchedule)),
        example: { items: [SCHEDULE], nextCursor: null },
      },
    },
  },
  'GET /exports/schedules/:id': { ...one, summary: 'A schedule of exports', answers },
  'POST /exports/schedules/:id/pause': {
    ...one,
    summary: 'Pause a schedule of exports',
    answers: { 200: { schema: schedule, example: { ...SCHEDULE, paused: true, nextAt: null } } },
  },
  'POST /exports/schedules/:id/resume': {
    ...one,
    summary: 'Go on with a schedule of exports',
    description: 'With the next time; those of the pause are left out.',
    answers,
  },
  'DELETE /exports/schedules/:id': {
    ...one,
    summary: 'Remove a schedule of exports',
    description: 'Its exports stay.',
    answers,
  },
  'GET /exports/:id': {
    ...one,
    summary: 'How far an export is',
    answers: { 200: { schema: exportView, example: COMPLETED } },
  },
  'POST /exports/:id/cancel': {
    ...one,
    summary: 'Do no more of an export',
    description: 'What there is of its file is removed. One that has ended stays as it is.',
    answers: {
      200: { schema: exportView, example: { ...QUEUED, state: 'cancelled', endedAt: '2026-03-01T06:15:20.000Z' } },
    },
  },
  'DELETE /exports/:id': {
    ...one,
    summary: 'Remove an export and its file',
    answers: { 200: { schema: exportView, example: COMPLETED } },
  },
  'GET /exports/:id/file': {
    tag,
    summary: 'The file of an export',
    description:
      'With a strong ETag and `Accept-Ranges: bytes`: a download that broke off goes on with `Range: bytes=<have>-` and `If-Range: <ETag>`.',
    omits: ['range', 'ifRange', 'start', 'end'],
    answers: {
      200: {
        schema: {},
        contentType: ['text/csv', 'application/x-ndjson', 'application/vnd.apache.parquet', 'application/gzip'],
        example:
          'device,measurement,timestamp,value,unit,quality\r\npress-4,force,2026-02-01T00:00:00.000Z,41.5,kN,\r\n',
        headers: ['ETag'],
      },
    },
    errors: ['not_found', 'export_not_ready', 'range_not_satisfiable', 'unavailable'],
  },
};

import { AGGREGATES } from '../../../contracts/telemetry.contract.ts';
import type { Description, Descriptions, Schema } from './description.ts';
import { described, listOf, object, oneOf, pageOf, ref, text, textOrNull, time } from './schemas/shapes.ts';

const moment = (what: string): Schema => ({
  description: `${what}: ISO 8601 with a zone, or milliseconds since 1970.`,
  type: 'string',
  examples: ['2026-03-01T06:00:00Z', '1772344800000'],
});
const names = (schema: Schema, what: string): Schema => ({ ...listOf(schema), description: `${what}, with commas.` });

const range = { from: moment('From then on, itself included'), to: moment('Until then, itself not included') };
const buckets: Description['query'] = {
  interval: {
    description: 'Buckets as long as this: a whole number and `s`, `m`, `h`, `d`, `w`, `mo` or `y`.',
    type: 'string',
    examples: ['5m', '1d', '1mo'],
  },
  timezone: {
    description: 'Days, weeks and months of this time zone (IANA); hours are counted from its midnight on.',
    type: 'string',
    examples: ['Europe/Berlin'],
  },
  aggregate: names(oneOf(AGGREGATES), 'What buckets say; `avg,min,max,sum,count` when it is left out'),
};
const deviceIds = names(text, 'Only these; others than those there are, are left out');

const series: Description = {
  tag: 'Telemetry',
  summary: 'Readings of a device, or buckets of them',
  description:
    'The oldest first. With `interval` buckets, with what `aggregate` names: from 1970 on, UTC, or with `timezone` of local days. `fill` adds those in which nothing was measured, and answers as a whole. `points` chooses so many readings of each measurement that a picture of them looks like one of all. `minQuality` and `flagged` leave readings out. With `stream=true`, or `Accept: application/x-ndjson`, the answer is all items, one in each line.',
  query: { measurements: names(text, 'Only these'), ...range, ...buckets },
  answers: {
    200: {
      schema: ref('Series'),
      example: {
        items: [
          {
            timestamp: '2026-03-01T06:15:00.000Z',
            measurement: 'temperature',
            value: 22.5,
            quality: 0.98,
            unit: 'Cel',
          },
        ],
        nextCursor: null,
        source: 'raw',
      },
    },
  },
  errors: ['too_many_buckets', 'too_many_readings', 'too_large'],
};

const latest: Description = {
  tag: 'Telemetry',
  summary: 'The newest value of each measurement',
  query: { measurements: names(text, 'Only these') },
  answers: {
    200: {
      schema: ref('LatestValues'),
      example: {
        deviceId: 'sensor-001',
        values: {
          temperature: { value: 22.5, timestamp: '2026-03-01T06:15:00.000Z', unit: 'Cel', quality: 0.98 },
          running: { value: true, timestamp: '2026-03-01T06:14:58.120Z', unit: null, quality: null },
        },
      },
    },
  },
};

const aggregate: Description = {
  tag: 'Telemetry',
  summary: 'One measurement of many devices together',
  description:
    'Of the devices that `deviceIds`, `type`, `tag` and `group` name, or of all: in buckets of `interval`, or in one when that is left out. What is about several devices and what no rollup knows (percentiles, `first`, `last`, qualities) is computed of the readings.',
  query: { deviceIds, ...range, ...buckets },
  answers: {
    200: {
      schema: ref('Aggregated'),
      example: {
        measurement: 'temperature',
        unit: 'Cel',
        deviceCount: 12,
        items: [{ timestamp: '2026-03-01T06:00:00.000Z', measurement: 'temperature', avg: 22.4, max: 24.1 }],
        source: '1h',
      },
    },
  },
  errors: ['too_many_buckets', 'too_many_readings', 'too_large'],
};

export const telemetryDescriptions: Descriptions = {
  'POST /telemetry': {
    tag: 'Telemetry',
    summary: 'Send readings',
    description:
      'One item, or a list of them. The answer comes after they are stored. Rejected ones are kept as dead letters, except those that name no device of the organization. After an error send all again: nothing is stored twice when items have timestamps or message ids, or the request an Idempotency-Key.',
    body: { anyOf: [ref('TelemetryItem'), listOf(ref('TelemetryItem'))] },
    bodyExample: [
      { deviceId: 'sensor-001', timestamp: '2026-03-01T06:15:00Z', values: { temperature: 22.5, humidity: 41 } },
      { deviceId: 'press-4', values: { strokes: 1204, position: { x: 1.5, y: -0.25 } } },
    ],
    answers: {
      202: {
        schema: ref('TelemetrySent'),
        example: { accepted: 1, rejected: [{ index: 1, reason: 'device_unknown' }] },
      },
    },
  },
  'GET /telemetry/latest': {
    tag: 'Telemetry',
    summary: 'The newest values of many devices',
    description: 'Of the devices that `deviceIds`, `type`, `tag` and `group` name, or of all; by id.',
    query: { deviceIds, measurements: names(text, 'Only these') },
    answers: {
      200: {
        schema: pageOf(ref('LatestValues')),
        example: {
          items: [
            {
              deviceId: 'sensor-001',
              values: {
                temperature: { value: 22.5, timestamp: '2026-03-01T06:15:00.000Z', unit: 'Cel', quality: null },
              },
            },
          ],
          nextCursor: null,
        },
      },
    },
    errors: ['too_large'],
  },
  'GET /telemetry/aggregate': aggregate,
  'GET /telemetry/top': {
    tag: 'Telemetry',
    summary: 'The devices with the highest or the lowest values',
    description:
      'By what `aggregate` says of the measurement in the range (`avg` when it is left out), the highest first, or the lowest with `order=asc`.',
    query: { deviceIds, ...range },
    answers: {
      200: {
        schema: ref('TopDevices'),
        example: {
          measurement: 'temperature',
          unit: 'Cel',
          aggregate: 'max',
          items: [{ deviceId: 'oven-7', value: 412.5, count: 86400 }],
          source: '1d',
        },
      },
    },
    errors: ['too_many_readings', 'too_large'],
  },
  'GET /analytics/aggregated': {
    ...aggregate,
    description: `The same as \`/telemetry/aggregate\`. ${aggregate.description}`,
  },
  'GET /devices/:id/telemetry': series,
  'GET /devices/:id/telemetry/latest': latest,
  'GET /devices/:id/data': { ...series, description: `The same as \`/devices/{id}/telemetry\`. ${series.description}` },
  'GET /devices/:id/data/latest': { ...latest, description: 'The same as `/devices/{id}/telemetry/latest`.' },
  'GET /device/:id/history': {
    tag: 'Telemetry',
    summary: 'Readings of the last hours',
    omits: [
      'measurements',
      'from',
      'to',
      'interval',
      'aggregate',
      'timezone',
      'fill',
      'minQuality',
      'flagged',
      'points',
      'stream',
    ],
    query: {
      hours: { description: 'Of so many hours until now.', type: 'number', exclusiveMinimum: 0, default: 24 },
    },
    answers: {
      200: {
        schema: object({ data: listOf(object({ timestamp: time, field: text, value: {} })), nextCursor: textOrNull }),
        example: {
          data: [{ timestamp: '2026-03-01T06:15:00.000Z', field: 'temperature', value: 22.5 }],
          nextCursor: null,
        },
      },
    },
  },
  'GET /device/:id/latest': {
    tag: 'Telemetry',
    summary: 'The newest values by their names',
    omits: ['measurements'],
    answers: {
      200: {
        schema: {
          type: 'object',
          properties: {
            device_id: text,
            timestamp: described(textOrNull, 'The newest of all; null without any value.'),
          },
          required: ['device_id', 'timestamp'],
          additionalProperties: { $ref: '#/components/schemas/Value' },
        },
        example: { temperature: 22.5, humidity: 41, device_id: 'sensor-001', timestamp: '2026-03-01T06:15:00.000Z' },
      },
    },
  },
};

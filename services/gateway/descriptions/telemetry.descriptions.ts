import { AGGREGATES } from '../../../contracts/telemetry.contract.ts';
import type { Description, Descriptions, Schema } from './description.ts';
import { described, listOf, object, oneOf, pageOf, ref, text, textOrNull, time } from './schemas/shapes.ts';

const moment = (what: string): Schema => ({
  description: `${what}: ISO 8601 with a zone, or milliseconds since 1970.`,
  type: 'string',
  examples: ['2026-03-01T06:00:00Z', '1772344800000'],
});
const names = (schema: Schema, what: string): Schema => ({ ...listOf(schema), description: `${what}, with commas.` });

const series: Description = {
  tag: 'Telemetry',
  summary: 'Readings of a device, or buckets of them',
  description:
    'The oldest first. With `interval` buckets, aligned to 1970, UTC, with what `aggregate` names; when `from` lies inside of a bucket, that one begins there.',
  query: {
    measurements: names(text, 'Only these'),
    from: moment('From then on, itself included'),
    to: moment('Until then, itself not included'),
    interval: {
      description: 'Buckets as long as this: a whole number and `s`, `m`, `h` or `d`.',
      type: 'string',
      examples: ['5m'],
    },
    aggregate: names(oneOf(AGGREGATES), 'What buckets say; all when it is left out'),
  },
  answers: {
    200: {
      schema: pageOf({ anyOf: [ref('Reading'), ref('Bucket')] }),
      example: {
        items: [{ timestamp: '2026-03-01T06:15:00.000Z', measurement: 'temperature', value: 22.5, quality: null }],
        nextCursor: null,
      },
    },
  },
};

const latest: Description = {
  tag: 'Telemetry',
  summary: 'The newest value of each measurement',
  answers: {
    200: {
      schema: ref('LatestValues'),
      example: {
        deviceId: 'sensor-001',
        values: {
          temperature: { value: 22.5, timestamp: '2026-03-01T06:15:00.000Z', unit: null, quality: null },
          running: { value: true, timestamp: '2026-03-01T06:14:58.120Z', unit: null, quality: null },
        },
      },
    },
  },
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
  'GET /devices/:id/telemetry': series,
  'GET /devices/:id/telemetry/latest': latest,
  'GET /devices/:id/data': { ...series, description: `The same as \`/devices/{id}/telemetry\`. ${series.description}` },
  'GET /devices/:id/data/latest': { ...latest, description: 'The same as `/devices/{id}/telemetry/latest`.' },
  'GET /device/:id/history': {
    tag: 'Telemetry',
    summary: 'Readings of the last hours',
    omits: ['measurements', 'from', 'to', 'interval', 'aggregate'],
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

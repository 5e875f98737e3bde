import type { Schema } from '../description.ts';
import { anyObject, count, described, listOf, mapOf, object, text, textOrNull, time } from './shapes.ts';

const VALUE: Schema = {
  description: 'What a measurement can be.',
  type: ['number', 'boolean', 'string', 'object', 'array'],
};
const value: Schema = { $ref: '#/components/schemas/Value' };
const numberOrNull: Schema = { type: ['number', 'null'] };

const READING = object({ timestamp: time, measurement: text, value, quality: numberOrNull });

const BUCKET = object(
  {
    timestamp: described(time, 'The beginning of the interval.'),
    measurement: text,
    avg: numberOrNull,
    min: numberOrNull,
    max: numberOrNull,
    sum: numberOrNull,
    count,
  },
  ['avg', 'min', 'max', 'sum', 'count'],
);

const LATEST = object({
  deviceId: text,
  values: mapOf(object({ value, timestamp: time, unit: textOrNull, quality: numberOrNull })),
});

/** Items that are not right are rejected one by one, so a schema of them is for those who write them. */
const TELEMETRY_ITEM: Schema = {
  type: 'object',
  description: 'What a device would publish. A `deviceId` may be left out with a credential of the device.',
  properties: {
    deviceId: text,
    timestamp: {
      description: 'ISO 8601 with a zone, or milliseconds since 1970. Without it the time at which it came.',
      type: ['string', 'number'],
    },
    messageId: described(text, 'The same message id again is stored once.'),
    values: anyObject,
    sensorId: text,
    sensorType: text,
    value,
    unit: text,
  },
};

const SENT = object({ accepted: count, rejected: listOf(object({ index: count, reason: text })) });

export const telemetrySchemas = {
  Value: VALUE,
  Reading: READING,
  Bucket: BUCKET,
  LatestValues: LATEST,
  TelemetryItem: TELEMETRY_ITEM,
  TelemetrySent: SENT,
} as const;

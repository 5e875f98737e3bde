import { AGGREGATES } from '../../../../contracts/telemetry.contract.ts';
import { FINDINGS } from '../../../../contracts/validation.ts';
import type { Schema } from '../description.ts';
import { anyObject, count, described, listOf, mapOf, object, oneOf, text, textOrNull, time } from './shapes.ts';

const VALUE: Schema = {
  description: 'What a measurement can be.',
  type: ['number', 'boolean', 'string', 'object', 'array'],
};
const value: Schema = { $ref: '#/components/schemas/Value' };
const numberOrNull: Schema = { type: ['number', 'null'] };

const flags = described(listOf(oneOf(FINDINGS)), 'What the type of the device found wrong with it. Absent: nothing.');
const quality = described(numberOrNull, 'Between 0 and 1. Null: nobody said it.');
const unit = described(textOrNull, 'What the type of the device says.');

const READING = object({ timestamp: time, measurement: text, value, quality, unit, flags }, ['flags']);

const BUCKET = object(
  {
    timestamp: described(time, 'The beginning of the interval.'),
    measurement: text,
    filled: described(oneOf([true]), 'Nothing was measured in it.'),
    ...Object.fromEntries(AGGREGATES.map(name => [name, name === 'count' ? count : numberOrNull])),
  },
  ['filled', ...AGGREGATES],
);

const told = {
  source: described(
    oneOf(['raw', '1m', '1h', '1d']),
    'What the answer was made of: readings, or rollups of a minute, an hour or a day.',
  ),
  archived: described(oneOf([true]), 'A part of it came from the archive.'),
  unknownMeasurements: described(listOf(text), 'Those that were asked for, and that there are none of.'),
};
const TOLD = ['archived', 'unknownMeasurements'];

const SERIES = object(
  {
    items: listOf({ anyOf: [{ $ref: '#/components/schemas/Reading' }, { $ref: '#/components/schemas/Bucket' }] }),
    nextCursor: described(textOrNull, 'For the next page; null at the end.'),
    ...told,
    downsampled: described(
      listOf(
        object({ measurement: text, method: oneOf(['none', 'lttb', 'lttb-of-extremes']), from: count, points: count }),
      ),
      'With `points`: how the points of each measurement were chosen, and of how many.',
    ),
  },
  [...TOLD, 'downsampled'],
);

const AGGREGATED = object(
  { measurement: text, unit, deviceCount: count, items: listOf({ $ref: '#/components/schemas/Bucket' }), ...told },
  TOLD,
);

const TOP_DEVICES = object(
  {
    measurement: text,
    unit,
    aggregate: oneOf(AGGREGATES),
    items: listOf(object({ deviceId: text, value: numberOrNull, count })),
    ...told,
  },
  TOLD,
);

const LATEST = object({
  deviceId: text,
  values: mapOf(object({ value, timestamp: time, unit, quality, flags }, ['flags'])),
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
  Series: SERIES,
  Aggregated: AGGREGATED,
  TopDevices: TOP_DEVICES,
  LatestValues: LATEST,
  TelemetryItem: TELEMETRY_ITEM,
  TelemetrySent: SENT,
} as const;

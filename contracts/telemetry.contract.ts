import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';
import type { Finding } from './validation.ts';

export type Value = number | boolean | string | Record<string, unknown> | unknown[];
/**
 * `timestamp` is ISO 8601, UTC. `quality` is between 0 and 1, null when nobody said it; `unit` is what the type of the device says. `flags`: what
 * the type found wrong with it.
 */
export type Reading = {
  timestamp: string;
  measurement: string;
  value: Value;
  quality: number | null;
  unit: string | null;
  flags?: Finding[];
};
export const AGGREGATES = [
  'avg',
  'min',
  'max',
  'sum',
  'count',
  'first',
  'last',
  'stddev',
  'p50',
  'p95',
  'p99',
] as const;
export type Aggregate = (typeof AGGREGATES)[number];
/** What buckets say when nobody asks for something else. */
export const USUAL_AGGREGATES = ['avg', 'min', 'max', 'sum', 'count'] as const satisfies Aggregate[];
/** The numbers of one measurement in one interval; `timestamp` is its beginning. `filled`: nothing was measured in it. */
export type Bucket = { timestamp: string; measurement: string; filled?: true } & { [A in Aggregate]?: number | null };
export type LatestValue = {
  value: Value;
  timestamp: string;
  unit: string | null;
  quality: number | null;
  flags?: Finding[];
};
export type LatestValues = { deviceId: string; values: Record<string, LatestValue> };

/** What an answer was made of: readings, or rollups of a minute, an hour or a day wherever they say the same. */
export type TelemetrySource = 'raw' | '1m' | '1h' | '1d';
export type Told = {
  source: TelemetrySource;
  /** A part of it came from the archive, which takes longer. */
  archived?: true;
  /** Measurements that were asked for and that there are none of. */
  unknownMeasurements?: string[];
};
/** How points of a picture were chosen, and of how many candidates. */
export type Downsampled = {
  measurement: string;
  method: 'none' | 'lttb' | 'lttb-of-extremes';
  from: number;
  points: number;
};
export type Series = Page<Reading | Bucket> & Told & { downsampled?: Downsampled[]; stream?: true };
export type Aggregated = Told & { measurement: string; unit: string | null; deviceCount: number; items: Bucket[] };
export type TopDevices = Told & {
  measurement: string;
  unit: string | null;
  aggregate: Aggregate;
  items: { deviceId: string; value: number | null; count: number }[];
};

/** One item of `POST /telemetry`. */
export type TelemetryItem = {
  deviceId: string;
  timestamp?: string | number;
  messageId?: string;
  values: Record<string, unknown>;
};

export const FILLS = ['none', 'null', 'previous', 'linear'] as const;
export type Fill = (typeof FILLS)[number];
export const FLAGGED = ['exclude', 'only'] as const;

const names = { type: 'array', optional: true, items: 'string|min:1' } as const;
const range = { from: 'number|optional', to: 'number|optional' } as const;
/** Only readings of at least this quality; those without flags, or with. */
const restriction = {
  minQuality: { type: 'number', optional: true, min: 0, max: 1 },
  flagged: { type: 'enum', values: FLAGGED, optional: true },
} as const;
const buckets = {
  interval: 'string|optional',
  aggregate: { type: 'array', optional: true, min: 1, items: { type: 'enum', values: AGGREGATES } },
  timezone: 'string|optional',
  fill: { type: 'enum', values: FILLS, optional: true },
} as const;
/** Which devices; all of the tenant's when nothing is said. */
const ofDevices = {
  deviceIds: { type: 'array', optional: true, items: 'string' },
  type: 'string|optional',
  tag: 'string|optional',
  group: 'string|optional',
} as const;

export const telemetry = contract('telemetry', {
  latest: action(
    { id: 'string', measurements: names },
    { needs: 'telemetry:read', device: 'telemetry:read', of: 'id' },
  ).returns<LatestValues>(),
  /** The newest values of many devices, by id. Those that there are not, or that the caller may not see, are left out. */
  latestOfMany: action(
    { ...ofDevices, measurements: names, limit: 'number|optional|integer', cursor: 'string|optional' },
    { needs: 'telemetry:read', of: 'devices' },
  ).returns<Page<LatestValues>>(),
  /**
   * Readings, oldest first; `from` and `to` are milliseconds since 1970, `from` included, `to` not. With `interval` (`30s`, `5m`, `1h`, `1d`, `1w`,
   * `1mo`, `1y`) buckets instead, with what `aggregate` names. With `points` so many readings of each measurement that a picture of them looks
   * like one of all. `fill` and `points` answer as a whole, the others in pages; `stream` is for pages that follow each other in one answer.
   */
  series: action(
    {
      id: 'string',
      measurements: names,
      ...range,
      limit: 'number|optional|integer',
      cursor: 'string|optional',
      ...buckets,
      ...restriction,
      points: 'number|optional|integer',
      stream: 'boolean|optional',
    },
    { needs: 'telemetry:read', device: 'telemetry:read', of: 'id' },
  ).returns<Series>(),
  /** One measurement of many devices together, in buckets; without `interval` in one. */
  aggregate: action(
    { ...ofDevices, measurement: 'string|min:1', ...range, ...buckets, ...restriction },
    { needs: 'telemetry:read', of: 'devices' },
  ).returns<Aggregated>(),
  /** The devices of which an aggregate of a measurement is the highest, or the lowest. */
  top: action(
    {
      ...ofDevices,
      measurement: 'string|min:1',
      aggregate: { type: 'enum', values: AGGREGATES, optional: true },
      n: 'number|optional|integer',
      order: { type: 'enum', values: ['desc', 'asc'], optional: true },
      ...range,
      ...restriction,
    },
    { needs: 'telemetry:read', of: 'devices' },
  ).returns<TopDevices>(),
  /**
   * Stores, and answers after the commit. `rejected` ones are in the dead letters too, unless they name no device of the tenant
   * (`device_unknown`, or `invalid_shape` when they name none at all). Rejects with `overloaded` or `unknown_outcome` when some
   * items have no outcome: then send all again.
   */
  send: action(
    {
      items: typed<TelemetryItem[]>({ type: 'array' }),
    },
    { needs: 'telemetry:write', device: 'telemetry:publish', of: 'devices' },
  ).returns<{ accepted: number; rejected: { index: number; reason: string }[] }>(),
});

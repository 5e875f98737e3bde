import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';

export type Value = number | boolean | string | Record<string, unknown> | unknown[];
/** `timestamp` is ISO 8601, UTC. `quality` and `unit` are null until someone says them. */
export type Reading = { timestamp: string; measurement: string; value: Value; quality: number | null };
export const AGGREGATES = ['avg', 'min', 'max', 'sum', 'count'] as const;
export type Aggregate = (typeof AGGREGATES)[number];
/** The numbers of one measurement in one interval; `timestamp` is its beginning. */
export type Bucket = { timestamp: string; measurement: string } & { [A in Aggregate]?: number };
export type LatestValue = { value: Value; timestamp: string; unit: string | null; quality: number | null };
/** One item of `POST /telemetry`. */
export type TelemetryItem = {
  deviceId: string;
  timestamp?: string | number;
  messageId?: string;
  values: Record<string, unknown>;
};

export const telemetry = contract('telemetry', {
  latest: action({ id: 'string' }, { needs: 'telemetry:read', device: 'telemetry:read', of: 'id' }).returns<{
    deviceId: string;
    values: Record<string, LatestValue>;
  }>(),
  /**
   * Readings, oldest first; `from` and `to` are milliseconds since 1970, `from` included, `to` not. With `interval` (`30s`, `5m`,
   * `1h`, `1d`) buckets instead, aligned to 1970, with what `aggregate` names (all, when it is left out).
   */
  series: action(
    {
      id: 'string',
      measurements: { type: 'array', optional: true, items: 'string' },
      from: 'number|optional',
      to: 'number|optional',
      limit: 'number|optional|integer',
      cursor: 'string|optional',
      interval: 'string|optional',
      aggregate: { type: 'array', optional: true, items: { type: 'enum', values: AGGREGATES } },
    },
    { needs: 'telemetry:read', device: 'telemetry:read', of: 'id' },
  ).returns<Page<Reading | Bucket>>(),
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

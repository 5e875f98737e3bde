import { action, contract, typed } from './contract.ts';
import type { Page } from './devices.contract.ts';

export type Value = number | boolean | string | Record<string, unknown> | unknown[];
/** `timestamp` is ISO 8601, UTC. `quality` and `unit` are null until someone says them. */
export type Reading = { timestamp: string; measurement: string; value: Value; quality: number | null };
export type LatestValue = { value: Value; timestamp: string; unit: string | null; quality: number | null };
/** One item of `POST /telemetry`. */
export type TelemetryItem = {
  deviceId: string;
  timestamp?: string | number;
  messageId?: string;
  values: Record<string, unknown>;
};

export const telemetry = contract('telemetry', {
  latest: action({ id: 'string' }).returns<{ deviceId: string; values: Record<string, LatestValue> }>(),
  /** Raw readings, oldest first; `from` and `to` are milliseconds since 1970, `from` included, `to` not. */
  series: action({
    id: 'string',
    measurements: { type: 'array', optional: true, items: 'string' },
    from: 'number|optional',
    to: 'number|optional',
    limit: 'number|optional|integer',
    cursor: 'string|optional',
  }).returns<Page<Reading>>(),
  /** Stores, and answers after the commit. `rejected` ones are in the dead letters too. */
  send: action({
    items: typed<TelemetryItem[]>({ type: 'array' }),
  }).returns<{ accepted: number; rejected: { index: number; reason: string }[] }>(),
});

/** Items of `POST /telemetry`, as the uplinks that a device itself would have sent. */
import { createHash } from 'node:crypto';
import { deviceAddress } from '../../contracts/addresses.ts';
import type { Idempotency } from '../../contracts/contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Refusal, Uplink } from '../../contracts/uplinks.ts';

type Item = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The device that an item names: an empty text when it names none. */
export function deviceIdOf(item: unknown, own: string | undefined): string {
  if (!isObject(item)) return '';
  const id = item.deviceId ?? item.device_id ?? own;
  return typeof id === 'string' ? id : '';
}

/**
 * What the device would have published: the item without its device. The form with one value of one sensor becomes the
 * measurement that `sensorType` names, or `sensorId` when there is no type.
 */
export function readingOf(item: Item): Item {
  const { deviceId: _deviceId, device_id: _device_id, ...reading } = item;
  const name = item.sensorType ?? item.sensor_type ?? item.sensorId ?? item.sensor_id;
  if (item.value === undefined || item.values !== undefined || typeof name !== 'string') return reading;
  const { ts, timestamp, messageId, value } = item;
  // Defines the property, so a sensor named `__proto__` is a measurement like any other, for the actor to judge.
  return { ts: ts ?? timestamp, messageId, values: Object.fromEntries([[name, value]]) };
}

export function uplinkOf(tenant: string, device: string, reading: Item, nowMs: number, limits: Limits): Uplink {
  const payload = Buffer.from(JSON.stringify(reading, finite));
  const fits = payload.length <= limits.messageMaxBytes;
  const refused: Refusal = {
    reason: 'packet_too_large',
    detail: `An item has at most ${limits.messageMaxBytes} bytes`,
  };
  return {
    address: deviceAddress(tenant, device),
    session: 0,
    receivedAtMs: nowMs,
    kind: 'telemetry',
    topic: `devices/${device}/telemetry`,
    contentType: 'application/json',
    payload: fits ? payload : new Uint8Array(),
    ...(!fits && { refused }),
  };
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
/** A number too large for a double was read as Infinity, and JSON would make it null: it goes on as it was, to be refused. */
const finite = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? rawJSON(value > 0 ? '1e999' : '-1e999') : value;

/** With an Idempotency-Key, an item without a message id gets one that the same request would give it again. */
export function withMessageId(reading: Item, index: number, idempotency: Idempotency | undefined): Item {
  if (idempotency === undefined || reading.messageId !== undefined) return reading;
  const said = JSON.stringify([idempotency.key, index, reading]);
  return { ...reading, messageId: createHash('sha256').update(said).digest('base64url') };
}

/** Items of `POST /telemetry`, as the uplinks that a device itself would have sent. */
import { createHash } from 'node:crypto';
import { deviceAddress } from '../../contracts/addresses.ts';
import type { Idempotency } from '../../contracts/contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Refusal, Uplink } from '../../contracts/uplinks.ts';
import type { Item } from '../../mixins/telemetry-items.ts';

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

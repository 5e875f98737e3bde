import { deviceAddress } from '../../../contracts/addresses.ts';
import type { Uplink } from '../../../contracts/uplinks.ts';

export const NOW_MS = Date.UTC(2026, 0, 1);

/** A telemetry uplink of a device of tenant `default`, with the payload as JSON (or the bytes as they are). */
export function uplink(device: string, payload: unknown, more: Partial<Uplink> = {}): Uplink {
  return {
    address: deviceAddress('default', device),
    session: 1,
    receivedAtMs: NOW_MS,
    kind: 'telemetry',
    topic: `devices/${device}/telemetry`,
    contentType: '',
    payload:
      payload instanceof Uint8Array
        ? payload
        : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    ...more,
  };
}

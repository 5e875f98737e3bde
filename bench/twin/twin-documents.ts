/** Twins as devices in the field have them: about 1 KiB of JSON in their two documents together. */
import type { JsonObject } from '../../contracts/json.ts';
import type { LeafTimes } from '../../contracts/twins.ts';

/** What load/payload.ts changes is `measured.temperature`. */
export const REPORTED: JsonObject = {
  firmware: { version: '4.12.3', bootloader: '2.0.1', channel: 'stable', installedAt: '2026-03-02T08:15:00Z' },
  hardware: { model: 'BX-240', revision: 'C', serial: 'd000000000' },
  network: { type: 'wifi', ssid: 'plant-7-north', signal: -61, address: '10.20.30.40', mac: '00:1b:44:11:3a:b7' },
  battery: { level: 87, voltage: 3.91, charging: false },
  location: { latitude: 52.520008, longitude: 13.404954, source: 'installer' },
  settings: { mode: 'eco', reportSeconds: 60, target: 55.5, limits: { low: 40, high: 75 }, language: 'en' },
  measured: { temperature: 54.25 },
};
export const DESIRED: JsonObject = {
  firmware: { version: '4.13.0', channel: 'stable' },
  settings: { mode: 'comfort', reportSeconds: 30, target: 58, limits: { low: 42, high: 75 }, language: 'en' },
  schedule: {
    timezone: 'Europe/Berlin',
    weekdays: [
      { from: '06:00', to: '08:30', target: 60 },
      { from: '17:00', to: '22:00', target: 60 },
    ],
    weekend: [{ from: '08:00', to: '23:00', target: 58 }],
    holidays: 'as-weekend',
  },
};

/** The same time beside each leaf. */
export function timesOf(document: JsonObject, atMs: number): LeafTimes {
  const isBranch = (it: unknown): it is JsonObject => typeof it === 'object' && it !== null && !Array.isArray(it);
  const times = Object.entries(document).map(([name, it]) => [name, isBranch(it) ? timesOf(it, atMs) : atMs]);
  return Object.fromEntries(times) as LeafTimes;
}

/** Batches of new datapoints, the same ones for the writer and for plain COPY, each at times of its own. */
import { TelemetryCopy } from '../../adapters/database/telemetry/copy-encoder.ts';
import { type Datapoint, type Effects, noEffects } from '../../contracts/store.ts';
import { STORED } from '../../contracts/uplinks.ts';
import { type Fleet, MEASUREMENTS } from './store-home.ts';

export type Batch = { readonly effects: readonly Effects[]; readonly rows: Uint8Array };

/** Values as a sensor has them: two decimals, slowly changing. */
export const valueAt = (device: number, measurement: number, step: number): number =>
  Math.round((20 + measurement * 15 + (device % 50) / 10 + Math.sin((step + device * 7) / 40) * 4) * 100) / 100;

export class Batches {
  readonly #fleet: Fleet;
  readonly #tenantId: number;
  /** Time goes on by a millisecond with each datapoint of a device. */
  #us: number;
  #next = 0;

  constructor(tenantId: number, fleet: Fleet, fromMs: number) {
    this.#tenantId = tenantId;
    this.#fleet = fleet;
    this.#us = fromMs * 1_000;
  }

  /** Messages with up to three datapoints each, of one device after the other. */
  make(datapoints: number): Batch {
    const copy = new TelemetryCopy(datapoints);
    const effects: Effects[] = [];
    for (let left = datapoints; left > 0; left -= MEASUREMENTS.length) {
      const device = this.#next++ % this.#fleet.uids.length;
      if (device === 0) this.#us += 1_000;
      const deviceUid = this.#fleet.uids[device]!;
      const points: Datapoint[] = [];
      for (let at = 0; at < Math.min(left, MEASUREMENTS.length); at++) {
        const point = {
          ...{ measurement: MEASUREMENTS[at]!, tsUs: this.#us, value: valueAt(device, at, this.#next), json: null },
          ...{ mayExist: false, opens: false, quality: null, flags: 0, messageId: null },
        };
        points.push(point);
        copy.add(deviceUid, this.#fleet.measurementIds[at]!, point);
      }
      effects.push({ ...noEffects(this.#tenantId, deviceUid, STORED), datapoints: points });
    }
    return { effects, rows: copy.finish() };
  }
}

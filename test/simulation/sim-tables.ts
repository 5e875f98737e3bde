/** The tables that actors write and are loaded from. Everything here is committed. */
import { deviceAddress } from '../../contracts/addresses.ts';
import type { SessionChange, SessionRecord } from '../../contracts/sessions.ts';
import { type Datapoint, type DeviceRecord, type Effects, StoreError } from '../../contracts/store.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';

/** What one element of a transaction really wrote. */
export type Written = { readonly effects: Effects; readonly points: readonly Datapoint[] };

/** Mutations of the tables: what a broken database layer would do. */
export type TableFaults = { readonly everythingIsNew?: boolean };

/** A measurement that the database refuses, as it refuses content that its checks forbid. */
export const POISON = 'poison';

type Device = {
  readonly uid: number;
  readonly shard: number;
  readonly key: string;
  readonly points: Map<string, number>;
  readonly newestUs: Map<string, number>;
  readonly receipts: Set<string>;
  readonly deadLetters: Map<string, NonNullable<Effects['deadLetter']>>;
  session: SessionRecord | null;
};

export class SimTables {
  readonly #faults: TableFaults;
  readonly #byKey = new Map<string, Device>();
  readonly #byUid = new Map<number, Device>();

  constructor(faults: TableFaults) {
    this.#faults = faults;
  }

  addDevice(device: string): DeviceAddress {
    const address = deviceAddress('default', device);
    const row: Device = {
      uid: this.#byKey.size + 1,
      shard: address.shard,
      key: address.key,
      points: new Map(),
      newestUs: new Map(),
      receipts: new Set(),
      deadLetters: new Map(),
      session: null,
    };
    this.#byKey.set(address.key, row);
    this.#byUid.set(row.uid, row);
    return address;
  }

  device(uid: number): Device {
    return this.#byUid.get(uid)!;
  }

  find(key: string): Device {
    return this.#byKey.get(key)!;
  }

  load(addresses: readonly DeviceAddress[]): (DeviceRecord | undefined)[] {
    return addresses.map(address => {
      const device = this.#byKey.get(address.key);
      return (
        device && {
          tenantId: 1,
          deviceUid: device.uid,
          state: 'active',
          measurements: [...device.newestUs.keys()],
          newestUs: [...device.newestUs.values()],
          session: device.session,
          twin: null,
        }
      );
    });
  }

  /** Throws what the statements before the COMMIT would fail with. */
  check(effects: readonly Effects[], careful: boolean): void {
    const copied = new Set<string>();
    for (const { deviceUid, datapoints } of effects)
      for (const point of datapoints) {
        if (point.measurement === POISON) throw new StoreError('refused', 'a check of the table');
        if (careful || point.mayExist || point.messageId !== null || this.#faults.everythingIsNew) continue;
        const key = `${deviceUid} ${pointKey(point)}`;
        if (copied.has(key) || this.device(deviceUid).points.has(pointKey(point)))
          throw new StoreError('duplicate_key', 'a datapoint exists');
        copied.add(key);
      }
  }

  /** Makes it true. Answers for each element what was new of it. */
  apply(effects: readonly Effects[]): { news: boolean[]; written: Written[] } {
    const known = new Map<string, Effects>();
    const written = effects.map(one => ({ effects: one, points: this.#writePoints(one, known) }));
    const news = effects.map((one, i) => {
      const device = this.device(one.deviceUid);
      if (one.deadLetter) device.deadLetters.set(one.deadLetter.id, one.deadLetter);
      const changed = one.session !== null && changeSession(device, one.session);
      return changed || one.deadLetter !== null || written[i]!.points.length > 0;
    });
    return { news, written };
  }

  #writePoints(one: Effects, known: Map<string, Effects>): Datapoint[] {
    const device = this.device(one.deviceUid);
    const points: Datapoint[] = [];
    for (const point of one.datapoints) {
      if (point.messageId !== null && !this.#faults.everythingIsNew) {
        const key = `${one.deviceUid} ${point.messageId}`;
        if (known.get(key) !== one && device.receipts.has(point.messageId)) continue;
        known.set(key, one);
        device.receipts.add(point.messageId);
      }
      if (device.points.has(pointKey(point)) && !this.#faults.everythingIsNew) continue;
      device.points.set(pointKey(point), point.value ?? 0);
      const { measurement, tsUs } = point;
      device.newestUs.set(measurement, Math.max(tsUs, device.newestUs.get(measurement) ?? 0));
      points.push(point);
    }
    return points;
  }
}

const pointKey = ({ measurement, tsUs }: Datapoint): string => `${measurement} ${tsUs}`;

/** A change that is older than what is stored changes nothing. */
function changeSession(device: Device, change: SessionChange): boolean {
  const stored = device.session;
  if (change.kind === 'opened') {
    if (stored && stored.session >= change.session) return false;
    const { session, instanceId, address } = change;
    device.session = { session, instanceId, address, connected: true };
    return true;
  }
  if (!stored?.connected || stored.session !== change.session) return false;
  device.session = { ...stored, connected: false };
  return true;
}

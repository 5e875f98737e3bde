import type { SessionRecord } from '../../../contracts/sessions.ts';
import type { Datapoint, DeviceRecord, Effects, Store } from '../../../contracts/store.ts';
import { StoreError, type StoreErrorKind } from '../../../contracts/store.ts';
import type { TwinRecord } from '../../../contracts/twins.ts';
import type { DeviceAddress } from '../../../contracts/uplinks.ts';

type Failure = StoreErrorKind | 'stored_but_unknown';

/**
 * A store in memory that can fail in every way that a real one can. The runtime is written against the port so that failures
 * can be chosen; what the real store does is tested on real databases.
 */
export class MemoryStore implements Store {
  readonly devices = new Map<string, { tenantId: number; deviceUid: number; state: DeviceRecord['state'] }>();
  readonly points = new Map<string, Datapoint & { deviceUid: number }>();
  readonly measurements = new Map<number, Set<string>>();
  readonly deadLetters = new Map<string, NonNullable<Effects['deadLetter']>>();
  readonly receipts = new Set<string>();
  readonly sessions = new Map<number, SessionRecord>();
  readonly twins = new Map<number, TwinRecord>();
  readonly commits: Effects[][] = [];
  loads = 0;
  /** The ways in which the next commits fail, in order; undefined: that one succeeds. */
  failures: (Failure | undefined)[] = [];
  failLoads = 0;
  /** Content that this store refuses, as a database refuses what its checks forbid. */
  refuses: (point: Datapoint) => boolean = () => false;
  /** Commits wait while this is held. */
  #gate: Promise<void> = Promise.resolve();

  addDevice(address: DeviceAddress, state: DeviceRecord['state'] = 'registered'): void {
    this.devices.set(address.key, { tenantId: 1, deviceUid: this.devices.size + 1, state });
  }

  /** Holds back all commits until the answer is called. */
  hold(): () => void {
    let open = () => {};
    this.#gate = new Promise(resolve => {
      open = resolve;
    });
    return open;
  }

  async load(addresses: readonly DeviceAddress[]): Promise<(DeviceRecord | undefined)[]> {
    this.loads++;
    if (this.failLoads > 0) {
      this.failLoads--;
      throw new StoreError('unavailable', 'the test says so');
    }
    return addresses.map(address => {
      const device = this.devices.get(address.key);
      if (!device) return undefined;
      const names = [...(this.measurements.get(device.deviceUid) ?? [])];
      const newest = (name: string) =>
        Math.max(
          0,
          ...[...this.points.values()]
            .filter(p => p.deviceUid === device.deviceUid && p.measurement === name)
            .map(p => p.tsUs),
        );
      const session = this.sessions.get(device.deviceUid) ?? null;
      const twin = this.twins.get(device.deviceUid) ?? null;
      return { ...device, measurements: names, newestUs: names.map(newest), session, twin };
    });
  }

  async commit(_lane: number, effects: readonly Effects[], careful: boolean): Promise<boolean[]> {
    await this.#gate;
    const failure = this.failures.shift();
    if (failure && failure !== 'stored_but_unknown') throw new StoreError(failure, 'the test says so');
    const points = effects.flatMap(one => one.datapoints.map(point => ({ ...point, deviceUid: one.deviceUid })));
    if (points.some(point => this.refuses(point))) throw new StoreError('refused', 'the test says so');
    if (!careful && points.some(point => !point.mayExist && point.messageId === null && this.points.has(keyOf(point))))
      throw new StoreError('duplicate_key', 'a datapoint exists');
    const news = effects.map(one => this.#write(one));
    this.commits.push([...effects]);
    if (failure) throw new StoreError('outcome_unknown', 'the test says so');
    return news;
  }

  #write({ deviceUid, datapoints, newMeasurements, deadLetter, session, twin }: Effects): boolean {
    const names = this.measurements.get(deviceUid) ?? new Set();
    this.measurements.set(deviceUid, names);
    for (const name of newMeasurements) names.add(name);
    if (deadLetter) this.deadLetters.set(deadLetter.id, deadLetter);
    if (twin) this.twins.set(deviceUid, twin);
    let isNew = deadLetter !== null || session !== null || twin !== null;
    if (session?.kind === 'opened') this.sessions.set(deviceUid, { ...session, connected: true });
    else if (session) this.sessions.set(deviceUid, { ...this.sessions.get(deviceUid)!, connected: false });
    const ids = new Set(datapoints.flatMap(point => point.messageId ?? []));
    const known = new Set([...ids].filter(id => this.receipts.has(`${deviceUid} ${id}`)));
    for (const point of datapoints) {
      if (point.messageId !== null && known.has(point.messageId)) continue;
      const key = keyOf({ ...point, deviceUid });
      if (this.points.has(key)) continue;
      this.points.set(key, { ...point, deviceUid });
      isNew = true;
    }
    for (const id of ids) this.receipts.add(`${deviceUid} ${id}`);
    return isNew;
  }
}

const keyOf = (point: { deviceUid: number; measurement: string; tsUs: number }): string =>
  `${point.deviceUid} ${point.measurement} ${point.tsUs}`;

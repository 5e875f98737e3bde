import { type CommandRecord, isOpen } from '../../../contracts/commands.ts';
import { RECEIVES } from '../../../contracts/downlinks.ts';
import type { DeviceEvent } from '../../../contracts/events.ts';
import type { SessionChange, SessionRecord } from '../../../contracts/sessions.ts';
import type { Datapoint, DeadLetter, DeviceRecord, Due, Effects, Store } from '../../../contracts/store.ts';
import { StoreError, type StoreErrorKind } from '../../../contracts/store.ts';
import type { TwinRecord, TwinStep } from '../../../contracts/twins.ts';
import type { DeviceAddress } from '../../../contracts/uplinks.ts';
import type { TypeRules } from '../../../contracts/validation.ts';

type Failure = StoreErrorKind | 'stored_but_unknown';
type Device = Pick<DeviceRecord, 'tenantId' | 'deviceUid'> & { address: DeviceAddress; state: DeviceRecord['state'] };
type StoredCommand = { readonly tenantId: number; readonly deviceUid: number; readonly record: CommandRecord };

/**
 * A store in memory that can fail in every way that a real one can. The runtime is written against the port so that failures
 * can be chosen; what the real store does is tested on real databases.
 */
export class MemoryStore implements Store {
  readonly devices = new Map<string, Device>();
  readonly points = new Map<string, Datapoint & { deviceUid: number }>();
  readonly measurements = new Map<number, Set<string>>();
  readonly deadLetters = new Map<string, NonNullable<Effects['deadLetter']>>();
  readonly receipts = new Set<string>();
  readonly sessions = new Map<number, SessionRecord>();
  readonly twins = new Map<number, TwinRecord>();
  readonly twinSteps: (TwinStep & { deviceUid: number })[] = [];
  /** By id, in the order in which they were first stored. */
  readonly commands = new Map<string, StoredCommand>();
  /** By device; one that is not here may have as many commands under way as is usual. */
  readonly commandWindows = new Map<number, number>();
  /** By device; one that is not here has no type. */
  readonly rules = new Map<number, TypeRules>();
  readonly events: (DeviceEvent & { deviceUid: number })[] = [];
  readonly commits: Effects[][] = [];
  loads = 0;
  /** What the clock of the database says: deadlines are due by it. */
  nowMs: () => number = Date.now;
  /** The ways in which the next commits fail, in order; undefined: that one succeeds. */
  failures: (Failure | undefined)[] = [];
  failLoads = 0;
  /** Content that this store refuses, as a database refuses what its checks forbid. */
  refuses: (point: Datapoint) => boolean = () => false;
  /** Commits wait while this is held. */
  #gate: Promise<void> = Promise.resolve();

  addDevice(address: DeviceAddress, state: DeviceRecord['state'] = 'registered'): void {
    this.devices.set(address.key, { tenantId: 1, deviceUid: this.devices.size + 1, address, state });
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
      const { tenantId, deviceUid, state } = device;
      const names = [...(this.measurements.get(device.deviceUid) ?? [])];
      const newest = (name: string) =>
        Math.max(
          0,
          ...[...this.points.values()]
            .filter(p => p.deviceUid === device.deviceUid && p.measurement === name)
            .map(p => p.tsUs),
        );
      return {
        tenantId,
        deviceUid,
        state,
        measurements: names,
        newestUs: names.map(newest),
        session: this.sessions.get(deviceUid) ?? null,
        twin: this.twins.get(deviceUid) ?? null,
        commands: this.#openCommands(deviceUid),
        commandWindow: this.commandWindows.get(deviceUid) ?? null,
        rules: this.rules.get(deviceUid) ?? null,
      };
    });
  }

  async due(shards: readonly number[], resume: boolean, after: number, limit: number): Promise<Due> {
    const isDue = ({ deviceUid, state }: Device): boolean => {
      const open = this.#openCommands(deviceUid);
      const session = this.sessions.get(deviceUid);
      const takesCommands = session?.connected === true && (session.receives & RECEIVES.command) !== 0;
      if (open.some(command => command.deadlineMs <= this.nowMs())) return true;
      return resume && open.length > 0 && (takesCommands || state === 'decommissioned');
    };
    const all = [...this.devices.values()]
      .filter(device => shards.includes(device.address.shard) && device.deviceUid > after && isDue(device))
      .sort((a, b) => a.deviceUid - b.deviceUid);
    const page = all.slice(0, limit);
    return {
      addresses: page.filter(it => it.state !== 'decommissioned').map(device => device.address),
      ended: page.filter(it => it.state === 'decommissioned').map(device => device.address),
      after: page.length === limit ? page.at(-1)!.deviceUid : null,
    };
  }

  async commit(_lane: number, effects: readonly Effects[], careful: boolean): Promise<boolean[]> {
    await this.#gate;
    const failure = this.failures.shift();
    if (failure && failure !== 'stored_but_unknown') throw new StoreError(failure, 'the test says so');
    const points = effects.flatMap(one => one.datapoints.map(point => ({ ...point, deviceUid: one.deviceUid })));
    if (points.some(point => this.refuses(point))) throw new StoreError('refused', 'the test says so');
    if (!careful && points.some(point => !point.mayExist && point.messageId === null && this.points.has(keyOf(point))))
      throw new StoreError('duplicate_key', 'a datapoint exists');
    this.#checkNewCommands(effects);
    const news = effects.map(one => this.#write(one));
    this.commits.push([...effects]);
    if (failure) throw new StoreError('outcome_unknown', 'the test says so');
    return news;
  }

  /** The oldest first, as ids grow with time. */
  #openCommands(deviceUid: number): CommandRecord[] {
    return [...this.commands.values()]
      .filter(command => command.deviceUid === deviceUid && isOpen(command.record.state))
      .map(command => command.record)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #checkNewCommands(effects: readonly Effects[]): void {
    const keyed = ({ tenantId, record }: Pick<StoredCommand, 'tenantId' | 'record'>): string[] =>
      record.idempotencyKey === null ? [record.id] : [record.id, `${tenantId} ${record.idempotencyKey}`];
    const taken = new Set([...this.commands.values()].flatMap(keyed));
    for (const { tenantId, commands } of effects)
      for (const { isNew, record } of commands) {
        if (!isNew) continue;
        const keys = keyed({ tenantId, record });
        if (keys.some(key => taken.has(key))) throw new StoreError('duplicate_key', 'a command exists');
        for (const key of keys) taken.add(key);
      }
  }

  #write(effects: Effects): boolean {
    const { tenantId, deviceUid, session, twin } = effects;
    for (const { record } of effects.commands) this.commands.set(record.id, { tenantId, deviceUid, record });
    for (const event of effects.events) this.events.push({ ...event, deviceUid });
    if (twin) {
      this.twins.set(deviceUid, twin.record);
      this.twinSteps.push({ ...twin.step, deviceUid });
    }
    const keptLetter = effects.deadLetter !== null && this.#keep(effects.deadLetter, deviceUid);
    const sessionChanged = session !== null && this.#changeSession(deviceUid, session);
    const isNew = effects.commands.length > 0 || twin !== null || keptLetter || sessionChanged;
    return this.#writePoints(effects) || isNew;
  }

  #keep(letter: DeadLetter, deviceUid: number): boolean {
    const { unless } = letter;
    const command = unless && this.commands.get(unless.commandId);
    if (command && command.deviceUid === deviceUid && command.record.state === unless.state) return false;
    this.deadLetters.set(letter.id, letter);
    return true;
  }

  #changeSession(deviceUid: number, change: SessionChange): boolean {
    const stored = this.sessions.get(deviceUid);
    if (change.kind === 'opened') {
      if (stored && stored.session >= change.session) return false;
      const { session, instanceId, address } = change;
      this.sessions.set(deviceUid, { session, instanceId, address, connected: true, receives: 0 });
      return true;
    }
    if (!stored?.connected || stored.session !== change.session) return false;
    const changed = change.kind === 'closed' ? { connected: false } : { receives: change.receives };
    this.sessions.set(deviceUid, { ...stored, ...changed });
    return true;
  }

  #writePoints({ deviceUid, datapoints }: Effects): boolean {
    const names = this.measurements.get(deviceUid) ?? new Set();
    this.measurements.set(deviceUid, names);
    for (const { measurement } of datapoints) names.add(measurement);
    let isNew = false;
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

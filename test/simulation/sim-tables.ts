/** The tables that actors write and are loaded from. Everything here is committed. */
import { deviceAddress } from '../../contracts/addresses.ts';
import { type CommandRecord, isOpen } from '../../contracts/commands.ts';
import { RECEIVES } from '../../contracts/downlinks.ts';
import type { DeviceEvent } from '../../contracts/events.ts';
import type { SessionChange, SessionRecord } from '../../contracts/sessions.ts';
import { type Datapoint, type DeviceRecord, type Due, type Effects, StoreError } from '../../contracts/store.ts';
import type { TwinRecord } from '../../contracts/twins.ts';
import type { DeviceAddress } from '../../contracts/uplinks.ts';
import { CommandKeys } from './command-keys.ts';

/** What one element of a transaction really wrote. */
export type Written = { readonly effects: Effects; readonly points: readonly Datapoint[] };

/** Mutations of the tables: what a broken database layer would do. */
export type TableFaults = {
  readonly everythingIsNew?: boolean;
  /** The unique index over idempotency keys is missing. */
  readonly keysMayRepeat?: boolean;
  /** That a command was sent is not written. */
  readonly attemptsAreForgotten?: boolean;
};

/** A measurement that the database refuses, as it refuses content that its checks forbid. */
export const POISON = 'poison';

type Page = { readonly after: number; readonly limit: number; readonly nowMs: number };

export type Device = {
  readonly uid: number;
  readonly shard: number;
  readonly key: string;
  readonly address: DeviceAddress;
  readonly commandWindow: number | null;
  readonly points: Map<string, number>;
  readonly newestUs: Map<string, number>;
  readonly receipts: Set<string>;
  readonly deadLetters: Map<string, NonNullable<Effects['deadLetter']>>;
  /** By id. */
  readonly commands: Map<string, CommandRecord>;
  readonly events: DeviceEvent[];
  session: SessionRecord | null;
  twin: TwinRecord | null;
};

export class SimTables {
  readonly #faults: TableFaults;
  readonly #byKey = new Map<string, Device>();
  readonly #byUid = new Map<number, Device>();

  readonly #commandKeys = new CommandKeys();

  constructor(faults: TableFaults) {
    this.#faults = faults;
  }

  addDevice(device: string, commandWindow: number | null): DeviceAddress {
    const address = deviceAddress('default', device);
    const row: Device = {
      uid: this.#byKey.size + 1,
      shard: address.shard,
      key: address.key,
      address,
      commandWindow,
      points: new Map(),
      newestUs: new Map(),
      receipts: new Set(),
      deadLetters: new Map(),
      commands: new Map(),
      events: [],
      session: null,
      twin: null,
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

  commandByKey(key: string): CommandRecord | undefined {
    const id = this.#commandKeys.idOf(key);
    return id === undefined ? undefined : this.deviceOfCommand(id)?.commands.get(id);
  }

  deviceOfCommand(id: string): Device | undefined {
    for (const device of this.#byUid.values()) if (device.commands.has(id)) return device;
    return undefined;
  }

  get all(): IterableIterator<Device> {
    return this.#byUid.values();
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
          twin: device.twin,
          commands: openCommands(device),
          commandWindow: device.commandWindow,
          rules: null,
        }
      );
    });
  }

  /** @param isLive whether this run of a process may be alive */
  due(shards: readonly number[], resume: boolean, page: Page, isLive: (instance: string) => boolean): Due {
    const { after, limit, nowMs } = page;
    const isOverdue = (device: Device) => openCommands(device).some(command => command.deadlineMs <= nowMs);
    const takesCommands = ({ session }: Device) =>
      session?.connected === true && (session.receives & RECEIVES.command) !== 0 && isLive(session.instanceId);
    const isLookedAt = (device: Device) => (resume ? openCommands(device).length > 0 : isOverdue(device));
    const rows = [...this.#byUid.values()]
      .filter(device => device.uid > after && shards.includes(device.address.shard) && isLookedAt(device))
      .slice(0, limit);
    const due = rows.filter(device => isOverdue(device) || (resume && takesCommands(device)));
    return { addresses: due.map(it => it.address), ended: [], after: rows.length === limit ? rows.at(-1)!.uid : null };
  }

  /** Throws what the statements before the COMMIT would fail with. @param by the transaction */
  check(effects: readonly Effects[], careful: boolean, by: object): void {
    const copied = new Set<string>();
    if (!this.#faults.keysMayRepeat) this.#commandKeys.insert(effects, by);
    for (const { deviceUid, datapoints, commands } of effects) {
      if (commands.some(({ isNew, record }) => isNew && this.device(deviceUid).commands.has(record.id)))
        throw new StoreError('duplicate_key', 'a command exists');
      for (const point of datapoints) {
        if (point.measurement === POISON) throw new StoreError('refused', 'a check of the table');
        if (careful || point.mayExist || point.messageId !== null || this.#faults.everythingIsNew) continue;
        const key = `${deviceUid} ${pointKey(point)}`;
        if (copied.has(key) || this.device(deviceUid).points.has(pointKey(point)))
          throw new StoreError('duplicate_key', 'a datapoint exists');
        copied.add(key);
      }
    }
  }

  /** The transaction is over: whoever waits for what it inserted may go on. */
  ended(by: object): void {
    this.#commandKeys.release(by);
  }

  /** Makes it true. Answers for each element what was new of it. */
  apply(effects: readonly Effects[]): { news: boolean[]; written: Written[] } {
    const known = new Map<string, Effects>();
    const written = effects.map(one => ({ effects: one, points: this.#writePoints(one, known) }));
    const news = effects.map((one, i) => {
      const device = this.device(one.deviceUid);
      for (const { record } of one.commands) {
        if (this.#faults.attemptsAreForgotten && record.state === 'sent') continue;
        device.commands.set(record.id, record);
        if (record.idempotencyKey !== null) this.#commandKeys.keep(record.idempotencyKey, record.id);
      }
      device.events.push(...one.events);
      if (one.twin) device.twin = one.twin.record;
      const changed = one.session !== null && changeSession(device, one.session);
      const kept = keepLetter(device, one.deadLetter);
      return changed || kept || one.commands.length > 0 || one.twin !== null || written[i]!.points.length > 0;
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

/** The oldest first, as ids grow with time. */
const openCommands = (device: Device): CommandRecord[] =>
  [...device.commands.values()].filter(command => isOpen(command.state)).sort((a, b) => (a.id < b.id ? -1 : 1));

function keepLetter(device: Device, letter: Effects['deadLetter']): boolean {
  if (letter === null) return false;
  const { unless } = letter;
  if (unless && device.commands.get(unless.commandId)?.state === unless.state) return false;
  device.deadLetters.set(letter.id, letter);
  return true;
}

/** A change that is older than what is stored changes nothing. */
function changeSession(device: Device, change: SessionChange): boolean {
  const stored = device.session;
  if (change.kind === 'opened') {
    if (stored && stored.session >= change.session) return false;
    const { session, instanceId, address } = change;
    device.session = { session, instanceId, address, connected: true, receives: 0 };
    return true;
  }
  if (!stored?.connected || stored.session !== change.session) return false;
  device.session = { ...stored, ...(change.kind === 'closed' ? { connected: false } : { receives: change.receives }) };
  return true;
}

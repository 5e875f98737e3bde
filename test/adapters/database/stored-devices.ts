/** Devices of one tenant in a database with our schema, and the store of actors on it, for suites that run on both engines. */
import { randomUUID } from 'node:crypto';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import type { CommandRecord } from '../../../contracts/commands.ts';
import { type DeviceRecord, type Effects, noEffects } from '../../../contracts/store.ts';
import { type DeviceAddress, STORED } from '../../../contracts/uplinks.ts';
import type { EngineName } from './engines.ts';
import { openAlone, startWithSchema } from './runs.ts';

export const AT_MS = Date.UTC(2026, 0, 1, 0, 0, 0, 123);

export type StoredDevice = { readonly id: string; readonly uid: number; readonly address: DeviceAddress };

export class StoredDevices {
  readonly database: Database;
  readonly store: ActorStore;
  /** Of the run that may write. */
  readonly instanceId: string;
  readonly #tenantId: number;
  /** Of the server, for another connection. PGlite has none. */
  readonly url: string | undefined;
  readonly #stop: () => Promise<void>;
  #devices = 0;
  #commands = 0;

  static async start(engine: EngineName): Promise<StoredDevices> {
    const { database, url, stop } = await startWithSchema(engine);
    const [tenant] = await database.query<{ tenant_id: number }>(
      `INSERT INTO tenant (slug) VALUES ('default') RETURNING tenant_id`,
    );
    return new StoredDevices(database, await openAlone(database), tenant!.tenant_id, stop, url);
  }

  private constructor(
    database: Database,
    instanceId: string,
    tenantId: number,
    stop: () => Promise<void>,
    url?: string,
  ) {
    this.database = database;
    this.instanceId = instanceId;
    this.store = new ActorStore(database, instanceId, 2);
    this.#tenantId = tenantId;
    this.#stop = stop;
    this.url = url;
  }

  get tenantId(): number {
    return this.#tenantId;
  }

  async stop(): Promise<void> {
    await this.store.close();
    await this.#stop();
  }

  async add(state = 'active', tenantId = this.#tenantId, slug = 'default'): Promise<StoredDevice> {
    const id = `d${++this.#devices}`;
    const [row] = await this.database.query<{ device_uid: number }>(
      `INSERT INTO device (tenant_id, device_id, state) VALUES ($1, $2, $3) RETURNING device_uid`,
      [tenantId, id, state],
    );
    return { id, uid: row!.device_uid, address: deviceAddress(slug, id) };
  }

  effects({ uid }: StoredDevice, more: Partial<Effects> = {}): Effects {
    return { ...noEffects(this.#tenantId, uid, STORED), ...more };
  }

  async load({ address }: StoredDevice): Promise<DeviceRecord> {
    return (await this.store.load([address]))[0]!;
  }

  /** One that waits for its device; ids grow. */
  command({ address }: StoredDevice, more: Partial<CommandRecord> = {}): CommandRecord {
    const number = (++this.#commands).toString(16).padStart(12, '0');
    return {
      id: `${number.slice(0, 8)}-${number.slice(8)}-7000-8000-${randomUUID().slice(-12)}`,
      shard: address.shard,
      name: 'restart',
      parametersJson: '{}',
      mode: 'retry',
      priority: 2,
      supersedes: null,
      createdAtMs: AT_MS,
      deadlineMs: Date.now() + 3_600_000,
      idempotencyKey: null,
      requestHash: null,
      jobId: null,
      resendOf: null,
      requestedBy: 'k1',
      state: 'queued',
      attempt: 0,
      transitions: [{ state: 'queued', atMs: AT_MS, attempt: 0, reason: null }],
      endedAtMs: null,
      ...more,
    };
  }

  /** Stores these commands of a device as new ones. */
  order(device: StoredDevice, ...records: CommandRecord[]): Promise<boolean[]> {
    const commands = records.map(record => ({ isNew: true, record }));
    return this.store.commit(0, [this.effects(device, { commands })], false);
  }

  /** Stores these commands as they are from now on. */
  change(device: StoredDevice, ...records: CommandRecord[]): Promise<boolean[]> {
    const commands = records.map(record => ({ isNew: false, record }));
    return this.store.commit(0, [this.effects(device, { commands })], false);
  }

  async rows(sql: string, ...params: unknown[]): Promise<Record<string, unknown>[]> {
    return this.database.query(sql, params);
  }
}

/** A command that went this far. */
export const stepTo = (record: CommandRecord, more: Partial<CommandRecord>): CommandRecord => {
  const { state = record.state, attempt = record.attempt } = more;
  const transition = { state, atMs: AT_MS + record.transitions.length, attempt, reason: null };
  return { ...record, ...more, transitions: [...record.transitions, transition] };
};

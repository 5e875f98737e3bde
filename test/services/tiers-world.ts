/** Telemetry of long ago in a database, folded into rollups, and a runner that moves it through its tiers. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { openLocalFolder } from '../../adapters/blobs/local-folder.ts';
import type { Database, Engine } from '../../adapters/database/database.ts';
import { ArchiveFiles } from '../../adapters/database/telemetry/archive-files.ts';
import { ArchiveReader } from '../../adapters/database/telemetry/archive-reading.ts';
import type { OnStep } from '../../adapters/database/telemetry/archive-writing.ts';
import { DAY_US } from '../../adapters/database/telemetry/days.ts';
import type { ArchivedReading } from '../../contracts/archive.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import { LIMITS, type Limits } from '../../contracts/limits.ts';
import { TierRunner } from '../../services/tiers/tier-runner.ts';
import { type StoredDevice, StoredDevices } from '../adapters/database/stored-devices.ts';
import { DAY_MS, Feed, foldAll, type Given } from '../adapters/database/telemetry/telemetry-world.ts';

export const TODAY = Math.floor(Date.now() / DAY_MS);
export const dayMs = (daysAgo: number): number => (TODAY - daysAgo) * DAY_MS;

export class TiersWorld {
  readonly stored: StoredDevices;
  readonly blobs: BlobStore;
  readonly #folder: string;

  /** @param bucket absent: files are in a folder */
  static async start(engine: Engine, bucket?: BlobStore): Promise<TiersWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'skein-tiers-'));
    return new TiersWorld(await StoredDevices.start(engine), bucket ?? (await openLocalFolder(folder, LIMITS)), folder);
  }

  private constructor(stored: StoredDevices, blobs: BlobStore, folder: string) {
    this.stored = stored;
    this.blobs = blobs;
    this.#folder = folder;
  }

  get database(): Database {
    return this.stored.database;
  }

  async stop(): Promise<void> {
    await this.stored.stop();
    await this.blobs.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Without what the tests before left. */
  async clear(): Promise<void> {
    await this.database.query('DELETE FROM storage_policy');
    await this.database.query('DELETE FROM legal_hold');
    await this.database.query('DELETE FROM telemetry_sweep');
  }

  async device(type: string | null = null): Promise<StoredDevice> {
    const device = await this.stored.add();
    await this.database.query('UPDATE device SET device_type = $2 WHERE device_uid = $1', [device.uid, type]);
    return device;
  }

  /** Every ten minutes of a day one value. */
  async fill(device: StoredDevice, measurement: string, daysAgo: number, more: readonly Given[] = []): Promise<Feed> {
    const feed = new Feed(this.stored, device, measurement);
    const given = Array.from({ length: 144 }, (_, at) => ({ ms: dayMs(daysAgo) + at * 600_000, value: at }));
    await this.send(feed, ...given, ...more);
    return feed;
  }

  /** As the host does: what could not be stored because its partition was dropped just now is stored again. */
  async send(feed: Feed, ...given: Given[]): Promise<void> {
    const effects = [this.stored.effects(feed.device, { datapoints: feed.points(given) })];
    await this.stored.store.commit(0, effects, false).catch(() => this.stored.store.commit(0, effects, true));
  }

  fold(): Promise<number> {
    return foldAll(this.database, Date.now());
  }

  async policy(
    name: string,
    fields: Partial<
      Record<'device_type' | 'measurement' | 'archive_after_days' | 'drop_after_days' | 'rollups_keep_days', unknown>
    >,
  ) {
    await this.database.query(
      `INSERT INTO storage_policy (tenant_id, name, device_type, measurement, archive_after_days, drop_after_days, rollups_keep_days)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        this.stored.tenantId,
        name,
        ...(['device_type', 'measurement', 'archive_after_days', 'drop_after_days', 'rollups_keep_days'] as const).map(
          it => fields[it] ?? null,
        ),
      ],
    );
    await this.dueAgain();
  }

  async hold(
    fields: Partial<Record<'device_id' | 'device_type' | 'measurement' | 'from_at' | 'to_at', unknown>>,
  ): Promise<string> {
    const id = randomUUID();
    await this.database.query(
      `INSERT INTO legal_hold (hold_id, tenant_id, device_id, device_type, measurement, from_at, to_at, reason, made_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 'a lawsuit', 'test')`,
      [
        id,
        this.stored.tenantId,
        ...(['device_id', 'device_type', 'measurement', 'from_at', 'to_at'] as const).map(it => fields[it] ?? null),
      ],
    );
    return id;
  }

  /** All days are looked at again. */
  async dueAgain(): Promise<void> {
    await this.database.query('UPDATE telemetry_sweep SET due_at = now()');
  }

  files(limits: Partial<Limits> = {}): ArchiveFiles {
    return new ArchiveFiles(this.blobs, { ...LIMITS, ...limits });
  }

  runner(limits: Partial<Limits> = {}, onStep?: OnStep, database = this.database): TierRunner {
    return new TierRunner({
      database,
      files: this.files(limits),
      limits: { ...LIMITS, ...limits },
      log: pino({ level: 'silent' }),
      instanceId: randomUUID(),
      ...(onStep && { onStep }),
    });
  }

  async sweep(limits: Partial<Limits> = {}) {
    await this.dueAgain();
    return this.runner(limits).sweep();
  }

  reader(limits: Partial<Limits> = {}): ArchiveReader {
    return new ArchiveReader({ database: this.database, files: this.files(), limits: { ...LIMITS, ...limits } });
  }

  async archived(feed: Feed, limits: Partial<Limits> = {}): Promise<ArchivedReading[]> {
    const found: ArchivedReading[] = [];
    const query = {
      tenantId: this.stored.tenantId,
      deviceUids: [feed.device.uid],
      measurementIds: [await feed.id()],
      fromUs: 0,
      toUs: (TODAY + 1) * DAY_US,
    };
    for await (const batch of this.reader(limits).read(query)) found.push(...batch);
    return found;
  }

  async rows(feed: Feed): Promise<number[]> {
    const rows = await this.database.query<{ us: number }>(
      'SELECT (extract(epoch FROM ts) * 1000000)::int8 AS us FROM telemetry WHERE device_uid = $1 AND measurement_id = $2 ORDER BY ts',
      [feed.device.uid, await feed.id()],
    );
    return rows.map(it => it.us);
  }

  /** Of rows and files, as whoever reads both finds them. */
  async timesOf(feed: Feed): Promise<number[]> {
    const rows = await this.rows(feed);
    return [...rows, ...(await this.archived(feed)).map(it => it.us)].sort((a, b) => a - b);
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.blobs.list('')) keys.push(key);
    return keys;
  }
}

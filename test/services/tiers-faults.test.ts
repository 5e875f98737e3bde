/** What goes wrong around the tiers for a while: nothing of it stops retention, lets go of what is held, or leaves something behind for ever. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import pino from 'pino';
import type { Database } from '../../adapters/database/database.ts';
import { ArchiveFiles } from '../../adapters/database/telemetry/archive-files.ts';
import { BlobError, type BlobStore } from '../../contracts/blobs.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { TierRunner } from '../../services/tiers/tier-runner.ts';
import { ENGINE_NAMES } from '../adapters/database/engines.ts';
import { DAY_MS } from '../adapters/database/telemetry/telemetry-world.ts';
import { dayMs, TiersWorld } from './tiers-world.ts';

/** A store that can't be reached; `tries` counts how often somebody wanted to write something. */
function awayStore(): { blobs: BlobStore; tries: () => number } {
  let tries = 0;
  const away = () => Promise.reject(new BlobError('unavailable', 'The store is away'));
  const blobs = {
    put: () => {
      tries++;
      return away();
    },
    get: away,
    read: away,
    size: away,
    remove: away,
    usage: away,
    close: async () => {},
  } as unknown as BlobStore;
  return { blobs, tries: () => tries };
}

/** A database whose clock is ahead, for who asks it for the day. */
const ahead = (database: Database, days: number): Database =>
  new Proxy(database, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
      return (sql: string, params: unknown[]) =>
        /^SELECT floor\(extract\(epoch FROM now\(\)\) \/ 86400\)::int AS day$/.test(sql)
          ? target.query(sql.replace('::int AS day', `::int + ${days} AS day`), params)
          : target.query(sql, params);
    },
  });

for (const engine of ENGINE_NAMES)
  describe(`tiers in trouble on ${engine}`, () => {
    let world: TiersWorld;
    before(async () => {
      world = await TiersWorld.start(engine);
    });
    after(() => world?.stop());
    afterEach(() => world.clear());

    it('a file goes when what is in it is old enough, whatever is kept of others that lie between', async () => {
      const [pump, fan, other] = [await world.device('pump'), await world.device('fan'), await world.device('pump')];
      const feeds = [await world.fill(pump, 'between', 20), await world.fill(other, 'between', 20)];
      const kept = await world.fill(fan, 'between', 20);
      await world.fold();
      await world.policy('pumps', { device_type: 'pump', measurement: 'between', archive_after_days: 5 });
      await world.policy('fans', { device_type: 'fan', measurement: 'between' });
      await world.sweep();
      for (const feed of feeds) assert.equal((await world.archived(feed)).length, 144);
      await world.database.query(`UPDATE storage_policy SET drop_after_days = 10 WHERE name = 'pumps'`);
      assert.equal((await world.sweep()).archivesRemoved, 1);
      assert.equal((await world.rows(kept)).length, 144);
    });

    it('what came again leaves no mark behind, so its partition goes', async () => {
      if (engine === 'timescale') return;
      const feed = await world.fill(await world.device(), 'again', 21);
      await world.fold();
      await world.policy('again', { measurement: 'again', archive_after_days: 5 });
      await world.sweep();
      await world.send(feed, { ms: dayMs(21), value: 0 }, { ms: dayMs(21) + 3_600_000, value: 6 });
      await world.sweep();
      assert.deepEqual(await world.rows(feed), []);
      const marks = 'SELECT hour FROM telemetry_change WHERE device_uid = $1';
      assert.deepEqual(await world.database.query(marks, [feed.device.uid]), []);
    });

    it('while the store is away rows are dropped all the same, and it is not asked all the time', async () => {
      const dropped = await world.fill(await world.device(), 'drop', 23);
      const feeds = [await world.fill(await world.device(), 'keep', 23)];
      for (let day = 24; day < 34; day++) feeds.push(await world.fill(await world.device(), 'keep', day));
      await world.fold();
      await world.policy('drop', { measurement: 'drop', drop_after_days: 5 });
      await world.policy('keep', { measurement: 'keep', archive_after_days: 5 });
      await world.database.query(
        `INSERT INTO telemetry_archive (tenant_id, day, state, key) VALUES ($1, 1, 'removing', 'archive/x')`,
        [world.stored.tenantId],
      );
      const { blobs, tries } = awayStore();
      const lines: string[] = [];
      const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
      const runner = new TierRunner({
        database: world.database,
        files: new ArchiveFiles(blobs, LIMITS),
        limits: { ...LIMITS, tierPollMs: 5 },
        log,
        instanceId: '0195a3c1-0000-7000-8000-000000000001',
      });
      runner.start();
      const due = 'SELECT 1 AS one FROM telemetry_sweep WHERE due_at <= now() LIMIT 1';
      while ((await world.rows(dropped)).length > 0 || (await world.database.query(due)).length > 0)
        await new Promise(resolve => setTimeout(resolve, 20));
      await runner.stop();
      assert.ok(tries() < 4, `${tries()} tries`);
      assert.ok(lines.length < 5, lines.join(''));
      for (const feed of feeds) assert.equal((await world.rows(feed)).length, 144);
      await world.database.query(`DELETE FROM telemetry_archive WHERE key = 'archive/x' AND tenant_id IS NOT NULL`);
      await world.sweep();
      for (const feed of feeds) assert.equal((await world.archived(feed)).length, 144);
    });

    it('a device that gets another type stays under the hold on the one that it had', async () => {
      const device = await world.device('held-type');
      const feed = await world.fill(device, 'typed', 36);
      await world.fold();
      await world.policy('typed', { measurement: 'typed', drop_after_days: 5 });
      await world.hold({ device_type: 'held-type' });
      await world.database.query(`UPDATE device SET device_type = 'other' WHERE device_uid = $1`, [device.uid]);
      await world.sweep();
      assert.equal((await world.rows(feed)).length, 144);
      await world.database.query('UPDATE legal_hold SET released_at = now()');
      await world.sweep();
      assert.deepEqual(await world.rows(feed), []);
    });

    it('a clock of the database that is years ahead costs nothing', async () => {
      const feed = await world.fill(await world.device(), 'clock', 4);
      await world.fold();
      await world.policy('clock', { measurement: 'clock', drop_after_days: 30, rollups_keep_days: 30 });
      await world.runner({}, undefined, ahead(world.database, 4_000)).sweep();
      assert.equal((await world.rows(feed)).length, 144);
    });

    it('rollups are not removed before the readings that they are made of', async () => {
      const feed = await world.fill(await world.device(), 'short', 37);
      await world.fold();
      await world.policy('short', { measurement: 'short', archive_after_days: 5, rollups_keep_days: 10 });
      await world.sweep();
      const rollups = 'SELECT bucket FROM telemetry_1h WHERE device_uid = $1';
      assert.equal((await world.database.query(rollups, [feed.device.uid])).length, 24);
      await world.database.query('UPDATE storage_policy SET drop_after_days = 9');
      await world.sweep();
      assert.equal((await world.database.query(rollups, [feed.device.uid])).length, 0);
    });

    it('a policy that is changed while a day is worked on counts at once', async () => {
      const feed = await world.fill(await world.device(), 'changing', 40);
      await world.fill(await world.device(), 'unchanged', 40);
      let transactions = 0;
      await world.fold();
      await world.policy('changing', { measurement: 'changing', drop_after_days: 5 });
      const database: Database = new Proxy(world.database, {
        get(target, name) {
          if (name !== 'transaction') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
          return async (work: never) => {
            // The third: after the one about rollups, and the one about files.
            if (++transactions === 3)
              await target.query(`UPDATE storage_policy SET drop_after_days = 100 WHERE name = 'changing'`);
            return target.transaction(work);
          };
        },
      });
      await world.database.query('DELETE FROM telemetry_sweep');
      await world.database.query(`INSERT INTO telemetry_sweep (tenant_id, day) VALUES ($1, $2)`, [
        world.stored.tenantId,
        Math.floor(dayMs(40) / DAY_MS),
      ]);
      await world.runner({}, undefined, database).sweep();
      assert.equal((await world.rows(feed)).length, 144);
    });

    it('as many organizations as there may be are no more locks than a few', async () => {
      await world.database.transaction(async tx => {
        await tx.query(`INSERT INTO tenant (slug, name) SELECT 'many-' || n, 'x' FROM generate_series(1, 200) n`);
        const { waitForHolds } = await import('../../adapters/database/telemetry/removal-locks.ts');
        await waitForHolds(tx);
        const [row] = await tx.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
        );
        assert.ok(row!.n < 5, String(row!.n));
        await tx.query(`DELETE FROM tenant WHERE slug LIKE 'many-%'`);
      });
    });
  });

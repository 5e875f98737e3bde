import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Database } from '../../adapters/database/database.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { quotasFrom, quotasOf, withinQuota } from '../../mixins/quotas.ts';
import { ENGINE_NAMES, type Subject } from '../adapters/database/engines.ts';
import { startWithSchema } from '../adapters/database/runs.ts';

for (const engine of ENGINE_NAMES)
  describe(`quotas on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
    });
    after(() => subject?.stop());

    const tenant = async (slug: string, quotas: object = {}): Promise<number> => {
      const [row] = await database.query<{ tenant_id: number }>(
        'INSERT INTO tenant (slug, quotas) VALUES ($1, $2) RETURNING tenant_id',
        [slug, quotas],
      );
      return row!.tenant_id;
    };
    const insert = 'INSERT INTO device (tenant_id, device_id, state) SELECT $1, id, $3 FROM unnest($2::text[]) AS id';
    const add = (tenantId: number, ids: readonly string[], limits = LIMITS) =>
      database.transaction(async tx => {
        await withinQuota(tx, limits, tenantId, 'devices', ids.length);
        await tx.query(insert, [tenantId, ids, 'registered']);
      });
    const counted = async (tenantId: number): Promise<number> =>
      (await database.query<{ used: number }>(`SELECT usage_of($1, 'devices') AS used`, [tenantId]))[0]!.used;
    const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

    test('however many add at the same time, exactly as many get in as there is room for', async () => {
      const id = await tenant('exact', { devices: 20 });
      const results = await Promise.allSettled(names('d', 60).map(name => add(id, [name])));
      const refusals = results.flatMap(it => (it.status === 'rejected' ? [it.reason] : []));
      assert.equal(refusals.length, 40);
      for (const { type, data } of refusals)
        assert.deepEqual([type, data], ['quota_exceeded', { quota: 'devices', size: 20, used: 20 }]);
      assert.equal(await counted(id), 20);
    });

    test('it is exact also where those that share the lock come near, and beside those that add several', async () => {
      // A little beyond what all connections together could add: the first ones share, the last ones are alone.
      const [row] = await database.query<{ at_once: number }>(
        `SELECT current_setting('max_connections')::int AS at_once`,
      );
      const size = row!.at_once + 15;
      const id = await tenant('nearing', { devices: size });
      const one = names('one', size).map(name => () => add(id, [name]));
      const some = names('some', 20).map(name => () => add(id, names(`${name}-`, 3)));
      const all = [...one.slice(0, 40), ...some.slice(0, 10), ...one.slice(40), ...some.slice(10)];
      const results = await Promise.allSettled(all.map(it => it()));
      for (const it of results) if (it.status === 'rejected') assert.equal(it.reason.type, 'quota_exceeded');
      assert.equal(await counted(id), size);
    });

    test('while the quota is far, one that has not ended holds up no other', async t => {
      if (engine === 'pglite') return t.skip('there transactions follow each other anyway');
      const id = await tenant('far');
      const holding = Promise.withResolvers<void>();
      const isIn = Promise.withResolvers<void>();
      const slow = database.transaction(async tx => {
        await withinQuota(tx, LIMITS, id, 'devices');
        isIn.resolve();
        await holding.promise;
      });
      await isIn.promise;
      await add(id, ['quick']);
      holding.resolve();
      await slow;
    });

    test('who adds several waits for those that share the lock, and counts what they add', async t => {
      if (engine === 'pglite') return t.skip('there transactions follow each other anyway');
      const [row] = await database.query<{ size: number }>(`SELECT current_setting('max_connections')::int AS size`);
      const { size } = row!;
      const id = await tenant('waiting', { devices: size });
      const holding = Promise.withResolvers<void>();
      const isIn = Promise.withResolvers<void>();
      const one = database.transaction(async tx => {
        await withinQuota(tx, LIMITS, id, 'devices');
        await tx.query(insert, [id, ['one'], 'registered']);
        isIn.resolve();
        await holding.promise;
      });
      await isIn.promise;
      let isOver = false;
      const several = add(id, names('several', size)).finally(() => {
        isOver = true;
      });
      const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'`;
      const refused = assert.rejects(several, { type: 'quota_exceeded' });
      while (!isOver && (await database.query(waits)).length === 0);
      holding.resolve();
      await Promise.all([one, refused]);
      assert.equal(await counted(id), 1);
    });

    test('what is decommissioned, undone or deleted no longer counts', async () => {
      const id = await tenant('counting');
      await add(id, names('d', 10));
      await assert.rejects(
        database.transaction(async tx => {
          await tx.query(insert, [id, ['undone'], 'registered']);
          throw new Error('undone');
        }),
      );
      assert.equal(await counted(id), 10);
      await database.query(`UPDATE device SET state = 'suspended' WHERE tenant_id = $1 AND device_id = 'd0'`, [id]);
      assert.equal(await counted(id), 10);
      await database.query(
        `UPDATE device SET state = 'decommissioned' WHERE tenant_id = $1 AND device_id IN ('d0', 'd1')`,
        [id],
      );
      assert.equal(await counted(id), 8);
      await database.query(`DELETE FROM device WHERE tenant_id = $1 AND device_id IN ('d1', 'd2')`, [id]);
      assert.equal(await counted(id), 7);
    });

    test('a statement that makes devices of several tenants counts each for its own', async () => {
      const [first, second] = [await tenant('mixed-1'), await tenant('mixed-2')];
      await database.query(
        `INSERT INTO device (tenant_id, device_id, state) SELECT CASE WHEN i < 4 THEN $1::int ELSE $2::int END, 'd' || i, 'active'
         FROM generate_series(1, 10) AS i`,
        [first, second],
      );
      assert.deepEqual([await counted(first!), await counted(second!)], [3, 7]);
    });

    test('one tenant uses up nothing of another', async () => {
      const [full, other] = [await tenant('full', { devices: 1 }), await tenant('other', { devices: 1 })];
      await add(full, ['a']);
      await assert.rejects(add(full, ['b']), { type: 'quota_exceeded' });
      await add(other, ['a']);
    });

    test('without a quota of its own the usual one counts', async () => {
      const id = await tenant('usual');
      const limits = { ...LIMITS, tenantDevices: 2 } as unknown as typeof LIMITS;
      await add(id, ['a', 'b'], limits);
      await assert.rejects(add(id, ['c'], limits), /quota "devices" is 2, of which 2 are used/);
    });

    test('a reader knows quotas for a while, and knows the usual ones without the database', async () => {
      const id = await tenant('read', { devices: 3 });
      let queries = 0;
      const watched: Pick<Database, 'query'> = {
        query: (sql, params) => {
          queries++;
          return database.query(sql, params);
        },
      };
      const reader = quotasOf(watched, LIMITS);
      assert.equal((await reader.of(id)).devices, 3);
      assert.deepEqual(reader.of(id), quotasFrom(LIMITS, { devices: 3 }));
      assert.equal(queries, 1);
      const alone = quotasOf({ query: () => Promise.reject(new Error('away')) }, LIMITS);
      assert.deepEqual(await alone.of(id), quotasFrom(LIMITS));
    });
  });

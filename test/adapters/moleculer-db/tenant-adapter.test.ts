/** What the adapter of moleculer-db must do, on both engines; and that nothing it says to the database forgets the tenant. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Database, Transaction } from '../../../adapters/database/database.ts';
import { migrate, readMigrations } from '../../../adapters/database/migrate.ts';
import type { Table } from '../../../adapters/moleculer-db/table.ts';
import { type Query, type Scope, tenantAdapter } from '../../../adapters/moleculer-db/tenant-adapter.ts';
import { treeFault } from '../../../adapters/moleculer-db/tree.ts';
import { ENGINE_NAMES, ENGINES, type Subject } from '../database/engines.ts';

const TABLE: Table = {
  name: 'location',
  key: 'id',
  columns: {
    name: { column: 'name', type: 'text' },
    parentId: { column: 'parent_id', type: 'text' },
    metadata: { column: 'metadata', type: 'jsonb' },
    tags: { column: 'tags', type: 'text[]' },
  },
  filters: { tag: 't.tags @> ARRAY[?::text]', named: 't.name = ? OR t.id = ?' },
  removable: `t.name <> 'kept'`,
};

for (const engine of ENGINE_NAMES)
  describe(`the adapter of moleculer-db on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let mine: Scope;
    let theirs: Scope;
    const said: string[] = [];
    const adapter = tenantAdapter(TABLE);

    before(async () => {
      subject = await ENGINES[engine]();
      database = subject.database;
      await migrate(database, await readMigrations());
      const rows = await database.query<{ tenant_id: number }>(
        `INSERT INTO tenant (slug) VALUES ('mine'), ('theirs') RETURNING tenant_id`,
      );
      const overheard: Transaction = {
        query: (sql, params) => {
          said.push(sql);
          return database.query(sql, params);
        },
      };
      const [a, b] = rows.map(it => ({ tenantId: it.tenant_id, db: overheard }));
      mine = a!;
      theirs = b!;
    });
    after(() => subject?.stop());
    beforeEach(async () => {
      await database.query('DELETE FROM location');
      said.length = 0;
    });

    const insert = (scope: Scope, key: string, fields: object = {}, replaces = false) =>
      adapter.insert({ scope, key, fields: { name: key, ...fields }, replaces });
    const keysOf = async (query: Partial<Query> = {}) =>
      (await adapter.find({ scope: mine, limit: 10, ...query })).map(it => it.id);

    test('a row goes in and comes out by its fields, with versions and times', async () => {
      const fields = { metadata: { a: [1, null, 'x'] }, tags: ['t"1', 'b,c'], parentId: null };
      const made = adapter.entityToObject((await insert(mine, 'a', fields))!);
      const { createdAt, updatedAt, ...rest } = made;
      assert.deepEqual(rest, { id: 'a', name: 'a', ...fields, version: 1 });
      assert.match(String(createdAt), /^\d{4}-.*Z$/);
      assert.equal(updatedAt, createdAt);
      assert.deepEqual(adapter.entityToObject((await adapter.findById({ scope: mine, key: 'a' }))!), made);
    });

    test('a second row of the same key is none, unless it replaces the first', async () => {
      await insert(mine, 'a');
      assert.equal(await insert(mine, 'a', { name: 'other' }), undefined);
      const replaced = await insert(mine, 'a', { name: 'other' }, true);
      assert.deepEqual([replaced?.name, replaced?.version], ['other', 2]);
    });

    test('a change needs the version, when one is named', async () => {
      await insert(mine, 'a');
      const change = (version?: number) =>
        adapter.updateById({ scope: mine, key: 'a', version }, { $set: { name: `${version}` } });
      assert.equal(await change(2), undefined);
      assert.equal((await change(1))?.version, 2);
      assert.equal((await change())?.version, 3);
      assert.equal(await adapter.removeById({ scope: mine, key: 'a', version: 2 }), undefined);
      assert.equal((await adapter.removeById({ scope: mine, key: 'a', version: 3 }))?.id, 'a');
    });

    test('a row that may not go stays', async () => {
      await insert(mine, 'a', { name: 'kept' });
      assert.equal(await adapter.removeById({ scope: mine, key: 'a' }), undefined);
      assert.deepEqual(await keysOf(), ['a']);
    });

    test('rows are found in the order of their keys, after one of them, by filters', async () => {
      for (const key of ['c', 'a', 'b', 'd']) await insert(mine, key, { tags: key > 'b' ? ['late'] : [] });
      assert.deepEqual(await keysOf({ limit: 2 }), ['a', 'b']);
      assert.deepEqual(await keysOf({ limit: 2, after: 'b' }), ['c', 'd']);
      assert.deepEqual(await keysOf({ filters: { tag: 'late', named: 'd' } }), ['d']);
      assert.deepEqual(await keysOf({ filters: { tag: undefined } }), ['a', 'b', 'c', 'd']);
      assert.deepEqual(await keysOf({ filters: { named: `' OR true --` } }), []);
    });

    test('the rows of another tenant are neither found, changed, removed nor in the way', async () => {
      await insert(theirs, 'a', { tags: ['x'] });
      const key = { scope: mine, key: 'a' };
      assert.deepEqual(await keysOf(), []);
      assert.deepEqual(await keysOf({ filters: { tag: 'x' } }), []);
      assert.equal(await adapter.findById(key), undefined);
      assert.equal(await adapter.updateById(key, { $set: { name: 'stolen' } }), undefined);
      assert.equal(await adapter.removeById(key), undefined);
      assert.equal((await insert(mine, 'a'))?.version, 1);
      const [row] = await adapter.find({ scope: theirs, limit: 10 });
      assert.deepEqual([row?.name, row?.version], ['a', 1]);
      await assert.rejects(insert(mine, 'b', { parentId: 'of-theirs' }), { name: 'DatabaseError' });
    });

    test('every statement names the tenant', async () => {
      await insert(mine, 'a', {}, true);
      await keysOf({ filters: { tag: 'x' } });
      await adapter.findById({ scope: mine, key: 'a' });
      await adapter.updateById({ scope: mine, key: 'a' }, { $set: {} });
      await adapter.removeById({ scope: mine, key: 'a' });
      assert.equal(said.length, 5);
      for (const sql of said)
        assert.match(sql, /t\.tenant_id = \$1|INSERT INTO location AS t \(tenant_id, .*VALUES \(\$1,/s);
    });

    const NO_TENANT = /does not name the tenant/;
    test('what comes without a tenant is refused, before the database is asked', async () => {
      const { db } = mine;
      for (const scope of [
        undefined,
        null,
        {},
        { db },
        { db, tenantId: '1' },
        { db, tenantId: Number.NaN },
      ] as never[]) {
        await assert.rejects(adapter.find({ scope, limit: 1 }), NO_TENANT);
        await assert.rejects(adapter.findById({ scope, key: 'a' }), NO_TENANT);
        await assert.rejects(adapter.insert({ scope, key: 'a', fields: {} }), NO_TENANT);
        await assert.rejects(adapter.updateById({ scope, key: 'a' }, { $set: {} }), NO_TENANT);
        await assert.rejects(adapter.removeById({ scope, key: 'a' }), NO_TENANT);
      }
      for (const id of ['a', 1, undefined, null] as never[]) {
        await assert.rejects(adapter.findById(id), NO_TENANT);
        await assert.rejects(adapter.removeById(id), NO_TENANT);
      }
      assert.deepEqual(said, []);
    });

    test('fields, filters and keys that the table does not have are refused, before the database is asked', async () => {
      for (const field of ['version', 'tenant_id', 'parent_id', '__proto__', 'name = name --'])
        await assert.rejects(insert(mine, 'a', Object.fromEntries([[field, 1]])), /has no field/);
      for (const filter of ['id', 'constructor', '1=1'])
        await assert.rejects(keysOf({ filters: { [filter]: 'x' } }), /has no filter/);
      await assert.rejects(adapter.findById({ scope: mine, key: ['a', 'b'] as never }), /key of a row is a text/);
      for (const limit of [0, -1, 1.5, 1e9, '5' as never]) await assert.rejects(keysOf({ limit }), /No number of rows/);
      assert.deepEqual(said, []);
    });

    test('a table whose names are not names is refused', () => {
      for (const wrong of [
        { name: 'location; DROP TABLE device' },
        { key: 'tenant_id' },
        { columns: { version: { column: 'version', type: 'text' } } },
        { columns: { 'a"b': { column: 'a', type: 'text' } } },
        { filters: { all: 'true' } },
      ] as Partial<Table>[])
        assert.throws(() => tenantAdapter({ ...TABLE, ...wrong }), /name of a column|where its value goes/);
    });

    describe('a tree', () => {
      const fault = (id: string, parentId: string, levels = 5, scope = mine) =>
        database.transaction(tx => treeFault(tx, 'location', { tenantId: scope.tenantId, id, parentId }, levels));
      /** a > b > c > d */
      const chain = async () => {
        await insert(mine, 'a');
        for (const [id, parentId] of ['ba', 'cb', 'dc']) await insert(mine, id!, { parentId });
      };

      test('takes what fits, and nothing that would be inside of itself, too deep, or in what is not there', async () => {
        await chain();
        assert.equal(await fault('e', 'd'), undefined);
        assert.equal(await fault('e', 'd', 4), 'too_deep');
        assert.equal(await fault('a', 'd', 9), 'cycle');
        assert.equal(await fault('a', 'a'), 'cycle');
        assert.equal(await fault('e', 'nowhere'), 'unknown_parent');
        assert.equal(await fault('e', 'a', 5, theirs), 'unknown_parent');
      });

      test('counts what comes along with what is moved', async () => {
        await chain();
        for (const [id, parentId] of [
          ['x', null],
          ['y', 'x'],
        ])
          await insert(mine, id!, { parentId });
        assert.equal(await fault('x', 'c'), undefined);
        assert.equal(await fault('x', 'd'), 'too_deep');
        assert.equal(await fault('x', 'd', 6), undefined);
      });

      test('two moves at the same time do not make a circle together', async () => {
        await insert(mine, 'a');
        await insert(mine, 'b');
        const secondChecked = Promise.withResolvers<void>();
        const move = (id: string, parentId: string, checked: (tx: Transaction) => Promise<void> | void) =>
          database.transaction(async tx => {
            const found = await treeFault(tx, 'location', { tenantId: mine.tenantId, id, parentId }, 5);
            await checked(tx);
            if (found !== undefined) return found;
            await adapter.updateById({ scope: { ...mine, db: tx }, key: id }, { $set: { parentId } });
            return 'moved';
          });
        let second: Promise<string> | undefined;
        // The first one has looked; before it moves, the second one looks as well, or waits for it.
        const first = move('a', 'b', async tx => {
          second = move('b', 'a', () => secondChecked.resolve());
          if (engine === 'pglite') return;
          let isOver = false;
          void secondChecked.promise.then(() => {
            isOver = true;
          });
          while (!isOver) {
            const [row] = await tx.query<{ waits: boolean }>(
              'SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS waits',
            );
            isOver ||= row!.waits;
          }
        });
        assert.deepEqual([await first, await second], ['moved', 'cycle']);
      });
    });
  });

/** Twins as they were, on both engines. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mergePatch } from '../../../actors/device/merge-patch.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { twinAsOf } from '../../../adapters/database/twin-history.ts';
import { VERSIONS_PER_WHOLE } from '../../../adapters/database/twin-steps.ts';
import type { JsonObject } from '../../../contracts/json.ts';
import { NO_TWIN, type TwinChange, type TwinRecord, type TwinStep } from '../../../contracts/twins.ts';
import { ENGINE_NAMES } from './engines.ts';
import { explain, type Plan, rowsRead } from './plans.ts';
import { AT_MS, type StoredDevice, StoredDevices } from './stored-devices.ts';

type Document = TwinStep['document'];
type Patched = readonly [document: Document, atMs: number, patch: JsonObject];

/** Every change of a twin, one after the other. */
function* changesOf(patches: Iterable<Patched>): Generator<TwinChange> {
  let record: TwinRecord = NO_TWIN;
  for (const [document, atMs, patch] of patches) {
    const before = record[document];
    const merged = mergePatch(before.document, before.times, patch, atMs);
    const version = before.version + 1;
    record = { ...record, [document]: { version, document: merged.document, times: merged.times } };
    yield { record, step: { document, version, atMs, patch } };
  }
}

for (const engine of ENGINE_NAMES)
  describe(`the history of twins on ${engine}`, () => {
    let world: StoredDevices;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());

    const asOf = (device: StoredDevice, atMs: number, database: Pick<Database, 'query'> = world.database) =>
      twinAsOf(database, device.uid, atMs, mergePatch);
    /** Stores the changes, some of them in each transaction. */
    const live = async (device: StoredDevice, patches: Iterable<Patched>, perTransaction = 7) => {
      const changes = [...changesOf(patches)];
      for (let i = 0; i < changes.length; i += perTransaction) {
        const effects = changes.slice(i, i + perTransaction).map(twin => world.effects(device, { twin }));
        await world.store.commit(0, effects, false);
      }
      return changes;
    };
    /** Both documents, every kind of patch, two steps in some milliseconds. */
    const manyPatches = (count: number): Patched[] =>
      Array.from({ length: count }, (_, i) => {
        const patch = i % 5 === 4 ? { [`n${i % 3}`]: null } : { [`n${i % 3}`]: i, deep: { [`m${i % 4}`]: { i } } };
        return [i % 3 === 2 ? 'desired' : 'reported', AT_MS + Math.floor(i / 2) * 10, patch];
      });

    it('gives a twin as it was after every one of its changes', async () => {
      const device = await world.add();
      const changes = await live(device, manyPatches(210));
      assert.ok(changes.at(-1)!.record.desired.version > 2 * VERSIONS_PER_WHOLE);
      assert.deepEqual(await asOf(device, AT_MS - 1), NO_TWIN);
      for (let i = 0; i < changes.length; i++) {
        const { atMs } = changes[i]!.step;
        if (changes[i + 1]?.step.atMs === atMs) continue;
        for (const ms of [atMs, atMs + 9]) assert.deepEqual(await asOf(device, ms), changes[i]!.record, `change ${i}`);
      }
      assert.deepEqual(await asOf(device, AT_MS + 1e12), changes.at(-1)!.record);
      assert.deepEqual((await world.load(device)).twin, changes.at(-1)!.record);
    });

    it('keeps each patch, and the whole document only now and then', async () => {
      const device = await world.add();
      const changes = await live(device, manyPatches(120));
      const sql = `SELECT document, version, patch, whole, times, (extract(epoch FROM at) * 1000)::int8 AS ms
                   FROM twin_step WHERE device_uid = $1 ORDER BY document DESC, version`;
      const rows = await world.rows(sql, device.uid);
      const expected = changes.map(({ record, step: { document, version, atMs, patch } }) => {
        const { document: whole, times } = record[document];
        const isWhole = version === 1 || version % VERSIONS_PER_WHOLE === 0;
        return { document, version, patch, whole: isWhole ? whole : null, times: isWhole ? times : null, ms: atMs };
      });
      const of = (document: Document) => expected.filter(row => row.document === document);
      assert.deepEqual(rows, [...of('reported'), ...of('desired')]);
      assert.deepEqual(
        rows.filter(row => row.whole !== null).map(row => row.version),
        [1, 32, 64, 1, 32],
      );
    });

    it('has a document that did not change yet as one that was never set', async () => {
      const device = await world.add();
      const changes = await live(device, [
        ['reported', AT_MS, { a: 1 }],
        ['desired', AT_MS + 10, { a: 2 }],
      ]);
      assert.deepEqual(await asOf(device, AT_MS + 9), changes[0]!.record);
      assert.deepEqual((await asOf(device, AT_MS + 9))?.desired, NO_TWIN.desired);
      assert.deepEqual(await asOf(device, AT_MS + 10), changes[1]!.record);
      assert.deepEqual(await asOf(await world.add(), AT_MS), NO_TWIN, 'nor has one that never changed');
    });

    it('goes by version where steps share a millisecond, and where a clock went back', async () => {
      const device = await world.add();
      const patches: Patched[] = [
        ['reported', AT_MS + 100, { a: 1 }],
        ['reported', AT_MS + 100, { a: 2, b: 1 }],
        ['reported', AT_MS + 50, { a: 3 }],
        ['reported', AT_MS + 200, { a: 4 }],
      ];
      await live(device, patches);
      const read = async (ms: number) => (await asOf(device, AT_MS + ms))?.reported;
      const { version, document, times } = (await read(100))!;
      assert.deepEqual([version, document], [3, { a: 3, b: 1 }]);
      assert.deepEqual(times, { a: AT_MS + 50, b: AT_MS + 100 });
      assert.equal((await read(199))?.version, 3);
      assert.equal((await read(200))?.version, 4);
    });

    it('says when it does not reach back that far', async () => {
      const device = await world.add();
      const changes = await live(
        device,
        Array.from({ length: 70 }, (_, i): Patched => ['reported', AT_MS + i, { n: i }]),
      );
      await world.database.query('DELETE FROM twin_step WHERE device_uid = $1 AND version < 32', [device.uid]);
      assert.equal(await asOf(device, AT_MS - 1), undefined);
      assert.equal(await asOf(device, AT_MS + 30), undefined);
      for (const i of [31, 40, 69]) assert.deepEqual(await asOf(device, AT_MS + i), changes[i]!.record);
      await world.database.query('DELETE FROM twin_step WHERE device_uid = $1', [device.uid]);
      assert.equal(await asOf(device, AT_MS + 69), undefined, 'nothing of it is left');
    });

    it('of a twin that is older than its history begins where it is first stored whole', async () => {
      const device = await world.add();
      const patches = Array.from({ length: 40 }, (_, i): Patched => ['desired', AT_MS + i, { n: i }]);
      const changes = [...changesOf(patches)];
      for (const twin of changes.slice(9)) await world.store.commit(0, [world.effects(device, { twin })], false);
      assert.equal(await asOf(device, AT_MS + 30), undefined);
      assert.deepEqual(await asOf(device, AT_MS + 31), changes[31]!.record);
    });

    it('of a long life reads only a few steps, at whatever time', async () => {
      const device = await world.add();
      const patches = Array.from({ length: 10_000 }, (_, i): Patched => ['reported', AT_MS + i * 10, { n: i }]);
      const changes = await live(device, patches, 500);
      await world.database.query('ANALYZE twin_step');
      for (const i of [0, 31, 32, 4_999, 9_998, 9_999]) {
        const plans: Plan[] = [];
        const explained = {
          query: async (sql: string, params: readonly unknown[] = []) => {
            plans.push(await explain(world.database, sql, params));
            return world.database.query(sql, params);
          },
        } as Pick<Database, 'query'>;
        assert.deepEqual(await asOf(device, AT_MS + i * 10 + 5, explained), changes[i]!.record);
        const read = plans.map(plan => rowsRead(plan, 'twin_step')).reduce((sum, rows) => sum + rows, 0);
        assert.ok(read <= 2 * VERSIONS_PER_WHOLE, `${read} rows were read for change ${i}`);
      }
      // The same measure does see it when much is read.
      const all = await explain(world.database, 'SELECT * FROM twin_step WHERE device_uid = $1', [device.uid]);
      assert.ok(rowsRead(all, 'twin_step') >= 10_000);
    });
  });

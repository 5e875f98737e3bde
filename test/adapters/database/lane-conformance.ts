/** What every Lane must do: all steps or none, in order, and an error that says which it was. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Database, Lane, Step } from '../../../adapters/database/database.ts';
import { type Cell, copyRows, float8, int4, int8, jsonb, timestamptz } from './copy-rows.ts';
import { rejection } from './rejections.ts';

const COLUMNS = ['device_uid', 'measurement_id', 'ts', 'value', 'value_json'];
const TS = new Date('2026-01-02T03:04:05.678Z');

const reading = (uid: number, value: Cell, json: Cell): Cell[] => [int8(uid), int4(1), timestamptz(TS), value, json];
const copy = (...rows: Cell[][]): Step => ({ kind: 'copy', table: 'reading', columns: COLUMNS, data: copyRows(rows) });
const query = (sql: string, params: readonly unknown[] = [], expectRows?: number): Step => ({
  kind: 'query',
  sql,
  params,
  ...(expectRows === undefined ? {} : { expectRows }),
});

export function laneConformance(database: () => Database): void {
  describe('and its lanes', () => {
    let lane: Lane;
    before(() => {
      lane = database().lane('a');
    });
    after(() => lane.close());
    const count = async (uid: number): Promise<unknown> =>
      (await database().query('SELECT count(*) AS n FROM reading WHERE device_uid = $1', [uid]))[0]!.n;

    it('gives the rows of each step, and none for a copy', async () => {
      const rows = await lane.commit([
        query('SELECT $1::int8 AS a, $2::text AS b', [5, 'x'], 1),
        copy(reading(1, float8(1.5), null)),
        query('SELECT value FROM reading WHERE device_uid = $1', [1]),
        query('UPDATE reading SET value = 2 WHERE device_uid = $1', [1]),
      ]);
      assert.deepEqual(rows, [[{ a: 5, b: 'x' }], [], [{ value: 1.5 }], []]);
    });

    it('writes copied rows with all their types and nulls', async () => {
      await lane.commit([copy(reading(2, null, jsonb({ a: 'ä' })), reading(3, float8(-0.1), null))]);
      const rows = await database().query(
        'SELECT device_uid, measurement_id, ts, value, value_json FROM reading WHERE device_uid IN (2, 3) ORDER BY 1',
      );
      assert.deepEqual(rows, [
        { device_uid: 2, measurement_id: 1, ts: TS, value: null, value_json: { a: 'ä' } },
        { device_uid: 3, measurement_id: 1, ts: TS, value: -0.1, value_json: null },
      ]);
    });

    it('takes arrays of all types, as inserts of many rows have them', async () => {
      const arrays = [
        [9007199254740991, null],
        ['"\\{},NULL', null],
        [TS, null],
        [1e-7, Number.NaN],
        [JSON.stringify({ a: '"\\' }), null],
        [new Uint8Array([0, 92, 255]), new Uint8Array()],
        [true, false],
      ];
      await lane.commit([
        query(
          `INSERT INTO many SELECT a, b, c, d, e::jsonb, f, g
           FROM unnest($1::int8[], $2::text[], $3::timestamptz[], $4::float8[], $5::text[], $6::bytea[], $7::bool[])
             AS row (a, b, c, d, e, f, g)`,
          arrays,
        ),
      ]);
      const rows = await database().query('SELECT * FROM many ORDER BY a NULLS LAST');
      assert.deepEqual(
        rows.map(row => ({ ...row, f: [...(row.f as Uint8Array)] })),
        [
          { a: 9007199254740991, b: '"\\{},NULL', c: TS, d: 1e-7, e: { a: '"\\' }, f: [0, 92, 255], g: true },
          { a: null, b: null, c: null, d: Number.NaN, e: null, f: [], g: false },
        ],
      );
    });

    it('undoes everything when a step returns another number of rows than expected', async () => {
      const fence = (expectRows?: number) => query('SELECT 1 WHERE $1::int4 = 0', [1], expectRows);
      const error = await rejection('expectation_failed', lane.commit([fence(1), copy(reading(4, null, null))]));
      assert.equal(error.where, 'step 0');
      assert.equal(await count(4), 0);
      await rejection('expectation_failed', lane.commit([copy(reading(4, null, null)), query('SELECT 1', [], 2)]));
      assert.equal(await count(4), 0);
      // The same without the expectation is stored: so it is the expectation that undid it.
      await lane.commit([fence(), fence(0), copy(reading(4, null, null))]);
      assert.equal(await count(4), 1);
    });

    it('undoes everything when a key is there already, and names the constraint', async () => {
      await lane.commit([copy(reading(5, null, null))]);
      const again = [copy(reading(6, null, null)), copy(reading(5, null, null)), copy(reading(7, null, null))];
      const error = await rejection('duplicate_key', lane.commit(again));
      assert.equal(error.where, 'reading_pkey');
      assert.deepEqual([await count(6), await count(7)], [0, 0]);
      await rejection('duplicate_key', lane.commit([query('INSERT INTO parent VALUES (7), (7)')]));
    });

    it('refuses content that breaks a rule, and copied bytes that are not rows', async () => {
      await rejection('refused', lane.commit([query(`INSERT INTO item VALUES (50, 'x', -1)`)]));
      await rejection('refused', lane.commit([query('INSERT INTO item VALUES (50, NULL, 1)')]));
      await rejection('refused', lane.commit([query('INSERT INTO item VALUES ($1, $2)', ['fifty', 'x'])]));
      await rejection('refused', lane.commit([query('SELECT 1'), { ...copy(), data: Buffer.from('no rows') } as Step]));
      await rejection('refused', lane.commit([copy([int8(50), int4(1)])]));
      assert.equal(await count(50), 0);
    });

    it('fails on what does not exist, and goes on with the next', async () => {
      const error = await rejection(
        'failed',
        lane.commit([copy(reading(8, null, null)), query('SELECT * FROM nowhere')]),
      );
      assert.equal(error.code, '42P01');
      await rejection('failed', lane.commit([{ kind: 'copy', table: 'nowhere', columns: ['a'], data: copyRows([]) }]));
      assert.equal(await count(8), 0);
      await lane.commit([copy(reading(8, null, null))]);
      assert.equal(await count(8), 1);
    });

    it('quotes the names of a copy', async () => {
      await database().script('CREATE TABLE "odd ""table" ("select" int4, "a b" int8)');
      const step: Step = {
        kind: 'copy',
        table: 'odd "table',
        columns: ['select', 'a b'],
        data: copyRows([[int4(1), int8(2)]]),
      };
      await lane.commit([step]);
      assert.deepEqual(await database().query('SELECT * FROM "odd ""table"'), [{ select: 1, 'a b': 2 }]);
    });

    it('commits in the order in which it was asked, however different the work', async () => {
      const numbers = Array.from({ length: 60 }, (_, n) => n);
      const insert = (n: number) => query('INSERT INTO entry (lane, n) VALUES ($1, $2)', ['order', n]);
      await Promise.all(numbers.map(n => lane.commit(n % 3 === 0 ? [query(`SELECT ${n}`), insert(n)] : [insert(n)])));
      const rows = await database().query(`SELECT n FROM entry WHERE lane = 'order' ORDER BY seq`);
      assert.deepEqual(
        rows.map(row => row.n),
        numbers,
      );
    });

    it('knows more statements than a session keeps prepared', async () => {
      for (let i = 0; i < 230; i++)
        assert.deepEqual(await lane.commit([query(`SELECT ${i % 115} AS n`)]), [[{ n: i % 115 }]]);
    });

    it('works beside other lanes and queries', async () => {
      const lanes = ['x', 'y', 'z'].map(name => ({ name, lane: database().lane(name) }));
      const insert = 'INSERT INTO entry (lane, n) VALUES ($1, $2)';
      const work = lanes.flatMap(({ name, lane }) =>
        Array.from({ length: 20 }, (_, n) => lane.commit([query(insert, [name, n])])),
      );
      const transactions = Array.from({ length: 5 }, (_, n) =>
        database().transaction(tx => tx.query(insert, ['tx', n])),
      );
      await Promise.all([...work, ...transactions, database().query('SELECT 1')]);
      for (const { name, lane } of lanes) {
        const rows = await database().query('SELECT n FROM entry WHERE lane = $1 ORDER BY seq', [name]);
        assert.deepEqual(
          rows.map(row => row.n),
          Array.from({ length: 20 }, (_, n) => n),
        );
        await lane.close();
      }
    });

    it('refuses more waiting commits than it has room for, and stores all that it took', async () => {
      const insert = query('INSERT INTO entry (lane, n) VALUES ($1, $2)', ['full', 1]);
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => lane.commit([insert])));
      const refused = outcomes.filter(outcome => outcome.status === 'rejected');
      assert.ok(refused.length > 0 && refused.length < 100, `${refused.length} refused`);
      for (const { reason } of refused) await rejection('unavailable', Promise.reject(reason));
      const [row] = await database().query(`SELECT count(*) AS n FROM entry WHERE lane = 'full'`);
      assert.equal(row!.n, 100 - refused.length);
    });

    it('finishes what it took when it is closed, and takes no more', async () => {
      const closing = database().lane('closing');
      const insert = query('INSERT INTO entry (lane, n) VALUES ($1, $2)', ['closing', 1]);
      const accepted = [closing.commit([insert]), closing.commit([insert])];
      const closed = closing.close();
      await rejection('unavailable', closing.commit([insert]));
      await Promise.all([...accepted, closed]);
      const [row] = await database().query(`SELECT count(*) AS n FROM entry WHERE lane = 'closing'`);
      assert.equal(row!.n, 2);
    });
  });
}

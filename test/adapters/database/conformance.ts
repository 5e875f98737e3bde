/** What every Database must do, whatever engine it is: `database.ts` in sentences that can fail. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Database, Step } from '../../../adapters/database/database.ts';
import type { Subject } from './engines.ts';
import { laneConformance } from './lane-conformance.ts';
import { rejection } from './rejections.ts';

export function databaseConformance(name: string, start: () => Promise<Subject>): void {
  describe(`a database on ${name}`, () => {
    let subject: Subject;
    before(async () => {
      subject = await start();
      await subject.database.script(SCHEMA);
    });
    after(() => subject?.stop());
    const database = () => subject.database;

    typeConformance(database);
    transactionConformance(database);
    readerConformance(database);
    laneConformance(database);
  });
}

const SCHEMA = `
  CREATE TABLE item (item_id int PRIMARY KEY, name text NOT NULL, amount float8 CHECK (amount >= 0));
  CREATE TABLE parent (parent_id int PRIMARY KEY);
  CREATE TABLE child (parent_id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE reading (device_uid int8, measurement_id int4, ts timestamptz, value float8, value_json jsonb,
                        PRIMARY KEY (device_uid, measurement_id, ts));
  CREATE TABLE many (a int8, b text, c timestamptz, d float8, e jsonb, f bytea, g bool);
  CREATE TABLE entry (seq int GENERATED ALWAYS AS IDENTITY, lane text, n int);`;

function typeConformance(database: () => Database): void {
  const one = async (sql: string, params?: readonly unknown[]) => (await database().query(sql, params))[0]!.it;

  it('gives back each type as its JavaScript type', async () => {
    const [row] =
      await database().query(`SELECT 9007199254740991::int8 AS int8, -5::int4 AS int4, 1.5::float8 AS float8,
      true AS bool, 'ä"\\'::text AS text, '2026-01-02T03:04:05.678Z'::timestamptz AS ts, '{"a": [1, null]}'::jsonb AS jsonb,
      '\\x00ff'::bytea AS bytea, NULL::int8 AS none, ARRAY[1, NULL]::int8[] AS ints, ARRAY['a,"b', NULL] AS texts,
      ARRAY[true] AS bools, ARRAY['2026-01-02T00:00:00Z']::timestamptz[] AS times, ARRAY['{"a":1}']::jsonb[] AS objects,
      ARRAY['\\x01'::bytea] AS blobs, '{}'::text[] AS nothing, 'Infinity'::float8 AS infinite`);
    assert.ok(row!.bytea instanceof Uint8Array);
    assert.deepEqual(
      { ...row, bytea: [...row!.bytea], blobs: (row!.blobs as Uint8Array[]).map(blob => [...blob]) },
      {
        int8: 9007199254740991,
        int4: -5,
        float8: 1.5,
        bool: true,
        text: 'ä"\\',
        ts: new Date('2026-01-02T03:04:05.678Z'),
        jsonb: { a: [1, null] },
        bytea: [0, 255],
        none: null,
        ints: [1, null],
        texts: ['a,"b', null],
        bools: [true],
        times: [new Date('2026-01-02T00:00:00Z')],
        objects: [{ a: 1 }],
        blobs: [[1]],
        nothing: [],
        infinite: Number.POSITIVE_INFINITY,
      },
    );
  });

  it('takes parameters of each type', async () => {
    for (const [type, value] of [
      ['int8', 9007199254740991],
      ['float8', 0.1 + 0.2],
      ['bool', false],
      ['text', '\\"\' \u{1f600} {a,b}'],
      ['timestamptz', new Date('1969-12-31T23:59:59.999Z')],
      ['jsonb', { a: [1, 'x', null], b: { c: true } }],
      ['bytea', Buffer.from([0, 1, 255])],
      ['text[]', ['a', null, '', 'NULL', '"\\,{}', 'ü']],
      ['int4[]', []],
      ['int2', -32768],
      ['int2[]', [1, null, 32767]],
      ['uuid', '0190163d-8694-739b-aea5-966c26f8ad91'],
      ['uuid[]', ['0190163d-8694-739b-aea5-966c26f8ad91', null]],
      ['bool[]', [true, null, false]],
      ['text', null],
    ] as const)
      assert.deepEqual(await one(`SELECT $1::${type} AS it`, [value]), value, type);
    assert.equal(await one('SELECT $1::text AS it', [undefined]), null);
    assert.deepEqual(await one('SELECT $1::jsonb AS it', [JSON.stringify([1, 2])]), [1, 2]);
    // A null of JSON is something else than none, which only its text still tells.
    assert.equal(await one(`SELECT $1::jsonb AS it`, ['null']), null);
    assert.equal(await one(`SELECT ($1::jsonb)::text AS it`, ['null']), 'null');
    assert.equal(await one(`SELECT ($1::jsonb)::text AS it`, [null]), null);
    await assert.rejects(one('SELECT $1::uuid[] AS it', [['no uuid']]), { kind: 'refused' });
  });

  it('runs in UTC, so that a day begins at the same moment everywhere', async () => {
    assert.deepEqual(
      await one(`SELECT date_trunc('day', '2026-06-01T01:00:00+02'::timestamptz) AS it`),
      new Date('2026-05-31T00:00:00Z'),
    );
  });

  it('refuses text that PostgreSQL cannot store', async () => {
    await rejection('refused', database().query('SELECT $1::text', ['a\0b']));
    await rejection('refused', database().query('SELECT $1::int4', ['not a number']));
  });

  it('answers many queries at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => one('SELECT $1::int4 AS it', [i])));
    assert.deepEqual(
      answers,
      answers.map((_, i) => i),
    );
  });
}

function transactionConformance(database: () => Database): void {
  const names = async () => (await database().query('SELECT name FROM item ORDER BY item_id')).map(row => row.name);
  const insert = 'INSERT INTO item (item_id, name) VALUES ($1, $2)';

  it('keeps what a transaction did when its work resolves, and gives its result', async () => {
    const result = await database().transaction(async tx => {
      await tx.query(insert, [1, 'kept']);
      return (await tx.query('SELECT count(*) AS n FROM item'))[0]!.n;
    });
    assert.equal(result, 1);
    assert.deepEqual(await names(), ['kept']);
  });

  it('undoes all of a transaction when its work rejects, and gives the same error', async () => {
    const error = new Error('changed my mind');
    const undone = database().transaction(async tx => {
      await tx.query(insert, [2, 'undone']);
      throw error;
    });
    await assert.rejects(undone, error);
    assert.deepEqual(await names(), ['kept']);
  });

  it('undoes all when a statement failed, even if the work ignores the error', async () => {
    const undone = database().transaction(async tx => {
      await tx.query(insert, [2, 'undone']);
      await tx.query(insert, [1, 'twice']).catch(() => {});
    });
    await rejection('failed', undone);
    assert.deepEqual(await names(), ['kept']);
  });

  it('says what a statement in a transaction did wrong', async () => {
    const error = await rejection(
      'duplicate_key',
      database().transaction(tx => tx.query(insert, [1, 'twice'])),
    );
    assert.equal(error.where, 'item_pkey');
    assert.equal(error.code, '23505');
  });

  it('lets nobody else see or disturb a transaction that is open', async () => {
    const opened = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    const transaction = database().transaction(async tx => {
      await tx.query(insert, [3, 'open']);
      opened.resolve();
      await mayEnd.promise;
      return (await tx.query('SELECT count(*) AS n FROM item'))[0]!.n;
    });
    await opened.promise;
    const seen = names();
    const failing = rejection('failed', database().query('SELECT * FROM nothing_like_this'));
    setImmediate(mayEnd.resolve);
    assert.equal(await transaction, 2);
    await failing;
    assert.ok(['["kept"]', '["kept","open"]'].includes(JSON.stringify(await seen)));
  });

  it('runs a script of several statements as a whole or not at all', async () => {
    await database().script(`INSERT INTO parent VALUES (1); INSERT INTO parent VALUES (2);`);
    await rejection(
      'duplicate_key',
      database().script(`INSERT INTO parent VALUES (3); INSERT INTO parent VALUES (1);`),
    );
    const rows = await database().query('SELECT parent_id FROM parent ORDER BY 1');
    assert.deepEqual(
      rows.map(row => row.parent_id),
      [1, 2],
    );
  });

  it('tells a failed commit from a stored one', async () => {
    const deferred = database().transaction(tx => tx.query('INSERT INTO child VALUES (99)'));
    const error = await rejection('refused', deferred);
    assert.equal(error.where, 'child_parent_id_fkey');
    const steps: Step[] = [{ kind: 'query', sql: 'INSERT INTO child VALUES (99)' }];
    const lane = database().lane('deferred');
    await rejection('refused', lane.commit(steps));
    await lane.close();
    assert.deepEqual(await database().query('SELECT * FROM child'), []);
  });
}

function readerConformance(database: () => Database): void {
  it('reads with a statement that it prepares once, again and again, also after its table has changed', async () => {
    await database().query(`INSERT INTO item VALUES (101, 'a', 1), (102, 'b', 2) ON CONFLICT DO NOTHING`);
    const reader = database().reader('SELECT * FROM item WHERE item_id = ANY ($1) ORDER BY item_id');
    const names = async (ids: number[]) => (await reader.read<{ name: string }>([ids])).map(it => it.name);
    assert.deepEqual(await names([101, 102, 103]), ['a', 'b']);
    assert.deepEqual(await names([]), []);
    assert.deepEqual(await Promise.all([names([101]), names([102])]), [['a'], ['b']]);
    await database().script(`ALTER TABLE item ADD COLUMN more int`);
    // A statement that was prepared before may be refused once; then it is prepared anew.
    await names([101]).catch(() => {});
    assert.deepEqual(await names([102]), ['b']);
    await database().script(`ALTER TABLE item DROP COLUMN more`);
    await names([101]).catch(() => {});
  });

  it('tells what is wrong with a statement of a reader, and goes on', async () => {
    const reader = database().reader('SELECT 1 / $1::int AS it');
    await rejection('refused', reader.read([0]));
    assert.deepEqual(await reader.read([1]), [{ it: 1 }]);
  });
}

/** The keys of days that are over take less room, while others read and write. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { dayOf } from '../../../../adapters/database/telemetry/days.ts';
import { packKeys } from '../../../../adapters/database/telemetry/packing.ts';
import { StoredDevices } from '../stored-devices.ts';
import { DAY_MS } from './telemetry-world.ts';

const NOON_MS = (dayOf(Date.now() * 1_000) + 0.5) * DAY_MS;

for (const engine of ['pglite', 'postgres'] as const)
  describe(`packing on ${engine}`, () => {
    let world: StoredDevices;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());

    /** Of so many series in turns, as they come in. */
    const fill = async (ms: number, steps: number): Promise<string> => {
      const { database } = world;
      const [row] = await database.query<{ name: string }>(
        `SELECT telemetry_partition('telemetry', to_timestamp($1::float8 / 1000)) AS name`,
        [ms],
      );
      for (let step = 0; step < steps; step++)
        await database.query(
          `INSERT INTO telemetry (device_uid, measurement_id, ts, value)
           SELECT series, 1, to_timestamp($1::float8 / 1000) + $2::int * interval '1 s', 1 FROM generate_series(1, 1000) series`,
          [ms, step],
        );
      await database.query(`ANALYZE ${row!.name}`);
      return row!.name;
    };
    const bytesPerRow = async (table: string): Promise<number> => {
      const [row] = await world.database.query<{ it: number }>(
        `SELECT pg_relation_size(indexrelid)::float8 / (SELECT count(*) FROM ${table}) AS it FROM pg_index WHERE indrelid = $1::regclass`,
        [table],
      );
      return row!.it;
    };
    const rowsOf = async (table: string): Promise<number> =>
      (await world.database.query<{ it: number }>(`SELECT count(*)::int AS it FROM ${table}`))[0]!.it;

    it('makes the key of a day that ended smaller, with all rows in it, once', async () => {
      const table = await fill(NOON_MS - DAY_MS, 40);
      const before = await bytesPerRow(table);
      assert.ok(before > 36, `${before} bytes: it is packed already, so this shows nothing`);
      assert.equal(await packKeys(world.database, NOON_MS), 1);
      assert.ok((await bytesPerRow(table)) < 33, String(await bytesPerRow(table)));
      assert.equal(await rowsOf(table), 40_000);
      assert.equal(await packKeys(world.database, NOON_MS), 0);
      await assert.rejects(
        world.database.query(
          `INSERT INTO telemetry (device_uid, measurement_id, ts) SELECT device_uid, measurement_id, ts FROM ${table} LIMIT 1`,
        ),
        { kind: 'duplicate_key' },
      );
    });

    it('leaves the day that it is, a day with few rows, and one that has just ended', async () => {
      const today = await fill(NOON_MS, 12);
      const few = await fill(NOON_MS - 2 * DAY_MS, 5);
      const before = [await bytesPerRow(today), await bytesPerRow(few)];
      assert.equal(await packKeys(world.database, NOON_MS), 0);
      assert.deepEqual([await bytesPerRow(today), await bytesPerRow(few)], before);
      assert.equal(await packKeys(world.database, NOON_MS + 0.5 * DAY_MS + 3_600_000), 0, 'an hour after its end');
      assert.equal(await packKeys(world.database, NOON_MS + DAY_MS), 1);
    });

    if (engine === 'postgres')
      it('goes on after one that was interrupted', async () => {
        const table = await fill(NOON_MS - 3 * DAY_MS, 12);
        const key = `${table}_pkey`;
        // As REINDEX CONCURRENTLY leaves it behind, when it is ended in its middle.
        await world.database.query(`CREATE INDEX ${key}_ccnew ON ${table} (device_uid, measurement_id, ts)`);
        await world.database.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::regclass`, [
          `${key}_ccnew`,
        ]);
        assert.equal(await packKeys(world.database, NOON_MS), 1);
        const left = await world.database.query('SELECT 1 AS one FROM pg_index WHERE indrelid = $1::regclass', [table]);
        assert.equal(left.length, 1);
      });
  });

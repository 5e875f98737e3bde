/** A database of the version before, with data, becomes one of this version with the same data: on every engine that is there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { migrate, readMigrations } from '../../../../adapters/database/migrate.ts';
import { ENGINE_NAMES, ENGINES, type Subject } from '../engines.ts';

const BEFORE = 6;
const ROWS = `SELECT device_uid::int AS device, measurement_id AS measurement, ts, value, value_json FROM telemetry ORDER BY 1, 2, 3`;

for (const engine of ENGINE_NAMES)
  describe(`telemetry of the version before, on ${engine}`, () => {
    let subject: Subject;
    before(async () => {
      subject = await ENGINES[engine]();
      const all = await readMigrations();
      await migrate(
        subject.database,
        all.filter(it => it.version <= BEFORE),
      );
    });
    after(() => subject?.stop());

    it('is all there afterwards, with its newest days, and with marks for its rollups', async () => {
      const { database } = subject;
      await database.script(`
        INSERT INTO tenant (slug) VALUES ('t');
        INSERT INTO device (tenant_id, device_id, state) SELECT tenant_id, 'd' || i, 'active' FROM tenant, generate_series(1, 3) i;
        INSERT INTO measurement (tenant_id, name) SELECT tenant_id, 'm' || i FROM tenant, generate_series(1, 2) i;
        INSERT INTO device_measurement (device_uid, measurement_id) SELECT device_uid, measurement_id FROM device, measurement;
        INSERT INTO telemetry (device_uid, measurement_id, ts, value, value_json)
        SELECT device_uid, measurement_id, moment, CASE WHEN n % 5 = 0 THEN NULL ELSE n + 0.5 END, CASE WHEN n % 5 = 0 THEN '"text"'::jsonb END
        FROM device, measurement, generate_series(1, 50) n,
          LATERAL (SELECT '2024-02-27 23:30Z'::timestamptz + n * interval '17 hours' + device_uid * interval '1 microsecond'
                   UNION ALL SELECT now() - n * interval '7 hours') t (moment)`);
      const stored = await database.query(ROWS);
      assert.equal(stored.length, 3 * 2 * 50 * 2);
      await migrate(database, await readMigrations());
      assert.deepEqual(await database.query(ROWS), stored);
      const wrong = await database.query(
        `SELECT device_uid, measurement_id FROM device_measurement dm
         WHERE newest_day <> (SELECT floor(extract(epoch FROM max(ts)) / 86400) FROM telemetry t
                              WHERE t.device_uid = dm.device_uid AND t.measurement_id = dm.measurement_id)`,
      );
      assert.deepEqual(wrong, []);
      const hours = 'SELECT DISTINCT device_uid, measurement_id, date_trunc($1, ts) AS hour FROM telemetry';
      const marks = 'SELECT device_uid, measurement_id, hour FROM telemetry_change';
      const difference = await database.query(`(${hours} EXCEPT ${marks}) UNION ALL (${marks} EXCEPT ${hours})`, [
        'hour',
      ]);
      assert.deepEqual(difference, []);
    });
  });

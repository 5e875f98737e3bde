import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import pino from 'pino';
import { mergePatch } from '../../actors/device/merge-patch.ts';
import type { Database } from '../../adapters/database/database.ts';
import { BEFORE_ALL, readEvents } from '../../adapters/database/events-feed.ts';
import { twinAsOf } from '../../adapters/database/twin-history.ts';
import { readConfig } from '../../config.ts';
import { call } from '../../contracts/contract.ts';
import { retention } from '../../contracts/retention.contract.ts';
import { retentionService } from '../../services/retention.service.ts';
import { LONE_ENGINE_NAMES, type Subject } from '../adapters/database/engines.ts';
import { startWithSchema } from '../adapters/database/runs.ts';

const DAY_MS = 24 * 3_600_000;
const config = readConfig({
  SKEIN_LIMIT_COMMAND_KEEP_DAYS: '10',
  SKEIN_LIMIT_EVENT_KEEP_DAYS: '10',
  SKEIN_LIMIT_TWIN_HISTORY_KEEP_DAYS: '10',
});
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);

for (const engine of LONE_ENGINE_NAMES)
  describe(`retention on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let broker: ServiceBroker;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
      await database.script(`INSERT INTO tenant (slug) VALUES ('one');
        INSERT INTO device (tenant_id, device_id, state) SELECT tenant_id, id, 'active' FROM tenant, unnest(ARRAY['a', 'b']) AS id`);
    });
    after(() => subject?.stop());
    beforeEach(async () => {
      await database.script(
        'DELETE FROM command; DELETE FROM event; DELETE FROM event_position; DELETE FROM twin_step; DELETE FROM device_twin',
      );
    });
    /** As a process does it that has just started. */
    const newProcess = async () => {
      await broker?.stop();
      broker = new ServiceBroker({ logger: false });
      broker.createService(retentionService({ config, database, log: pino({ level: 'silent' }) }));
      await broker.start();
    };
    beforeEach(newProcess);
    after(() => broker?.stop());
    const sweep = () => call(broker, retention.sweep, {});

    test('ended commands go when they are old, open ones never do', async () => {
      const command = (name: string, createdDaysAgo: number, endedDaysAgo: number | null) =>
        database.query(
          `INSERT INTO command (command_id, tenant_id, device_uid, shard, name, parameters, mode, priority, requested_by,
             created_at, deadline_at, state, attempt, transitions, ended_at)
           SELECT gen_random_uuid(), tenant_id, device_uid, 0, $1, '{}', 'once', 0, 'k', $2, $2, 'queued', 0, '[]', $3
           FROM device WHERE device_id = 'a'`,
          [name, daysAgo(createdDaysAgo), endedDaysAgo === null ? null : daysAgo(endedDaysAgo)],
        );
      await command('open', 20, null);
      await command('ended just now', 20, 9);
      await command('ended long ago', 20, 11);
      assert.equal((await sweep()).command, 1);
      const left = await database.query('SELECT name FROM command ORDER BY name');
      assert.deepEqual(
        left.map(it => it.name),
        ['ended just now', 'open'],
      );
    });

    test('events go when they are old, however many there are', async () => {
      await database.query(
        `INSERT INTO event (tenant_id, device_uid, kind, at, data)
         SELECT tenant_id, device_uid, 'device.update', now() - interval '11 days', '{}'
         FROM device, generate_series(1, 12500) WHERE device_id = 'a'`,
      );
      await database.query(
        `INSERT INTO event (tenant_id, device_uid, kind, at, data)
         SELECT tenant_id, device_uid, 'device.update', now() - interval '9 days', '{}' FROM device`,
      );
      assert.equal((await sweep()).event, 12_500);
      assert.equal((await readEvents(database, BEFORE_ALL, 100)).events.length, 2);
      assert.equal((await sweep()).event, 0);
    });

    describe('of steps of twins', () => {
      /** Steps one day after the other, the last one `lastDaysAgo`; each sets `n` to its version. */
      const steps = async (device: string, count: number, wholes: readonly number[], lastDaysAgo = 0) => {
        for (let version = 1; version <= count; version++)
          await step(device, version, wholes, lastDaysAgo + count - version);
      };
      const step = (device: string, version: number, wholes: readonly number[], ago: number) =>
        database.query(
          `INSERT INTO twin_step (device_uid, document, version, at, patch, whole, times)
           SELECT device_uid, 'desired', $2, $3, $4, $5, $6 FROM device WHERE device_id = $1`,
          [
            device,
            version,
            daysAgo(ago),
            { n: version },
            wholes.includes(version) ? { n: version } : null,
            wholes.includes(version) ? { n: 0 } : null,
          ],
        );
      const versions = async (device: string) => {
        const rows = await database.query<{ version: number }>(
          'SELECT twin_step.version FROM twin_step JOIN device USING (device_uid) WHERE device_id = $1 ORDER BY twin_step.version',
          [device],
        );
        return rows.map(it => it.version);
      };
      const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
      const uidOf = async (device: string) => {
        const [row] = await database.query<{ device_uid: number }>(
          'SELECT device_uid FROM device WHERE device_id = $1',
          [device],
        );
        return row!.device_uid;
      };

      test('only those go from which nothing within the kept days follows', async () => {
        await database.query(
          `INSERT INTO device_twin SELECT device_uid, '{}', 0, '{}', '{"n": 40}', 40, '{"n": 0}', now() FROM device WHERE device_id = 'a'`,
        );
        // Version 30 is ten days old, so 24 is the newest whole one before the kept days.
        await steps('a', 40, [1, 8, 16, 24, 32, 40], 0.5);
        const uid = await uidOf('a');
        const wasAt = async (ago: number) =>
          (await twinAsOf(database, uid, daysAgo(ago).getTime(), mergePatch))?.desired.version;
        assert.equal((await sweep()).twin_step, 23);
        assert.deepEqual(await versions('a'), range(24, 40));
        // 40 came half a day ago, 39 one and a half days ago, and so on.
        for (let ago = 0; ago <= 10; ago++) assert.equal(await wasAt(ago + 0.4), 40 - ago, `${ago} days ago`);
        assert.equal(await wasAt(17), undefined);
        assert.equal((await sweep()).twin_step, 0);
      });

      test('each document of each device is by itself, and one without a whole step loses none', async () => {
        await steps('a', 20, [1, 8], 20);
        await steps('b', 20, [], 20);
        await sweep();
        assert.deepEqual([await versions('a'), await versions('b')], [range(8, 20), range(1, 20)]);
      });

      test('what became too old since the last time goes at the next one', async () => {
        await steps('a', 8, [1, 8], 20);
        assert.equal((await sweep()).twin_step, 7);
        await database.query(`UPDATE twin_step SET at = at - interval '5 days'`);
        await step('a', 9, [], 12);
        await step('a', 10, [10], 9.9999);
        assert.equal((await sweep()).twin_step, 0);
        await database.query(`UPDATE twin_step SET at = at - interval '1 day' WHERE version = 10`);
        assert.equal((await sweep()).twin_step, 2);
        assert.deepEqual(await versions('a'), [10]);
      });

      test('more whole steps than one piece looks at, of one moment too', async () => {
        await database.query(
          `INSERT INTO twin_step (device_uid, document, version, at, patch, whole, times)
           SELECT device_uid, 'reported', place, now() - interval '30 days', '{}', '{}', '{}'
           FROM device, generate_series(1, 450) AS place WHERE device_id = 'b'`,
        );
        assert.equal((await sweep()).twin_step, 449);
        assert.deepEqual(await versions('b'), [450]);
      });

      test('a clock that went back does not make young versions go', async () => {
        await step('a', 1, [1], 5);
        await step('a', 2, [], 4);
        await step('a', 3, [3], 15);
        assert.equal((await sweep()).twin_step, 0);
        assert.deepEqual(await versions('a'), [1, 2, 3]);
      });
    });
  });

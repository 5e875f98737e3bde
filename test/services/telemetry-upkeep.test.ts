/** The service that keeps telemetry quick: what it does by itself, on every engine that is there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceBroker } from 'moleculer';
import pino from 'pino';
import { partitionsOf } from '../../adapters/database/telemetry/partitions.ts';
import { readConfig } from '../../config.ts';
import { call } from '../../contracts/contract.ts';
import { telemetryUpkeep } from '../../contracts/telemetry-upkeep.contract.ts';
import { telemetryUpkeepService } from '../../services/telemetry-upkeep.service.ts';
import { ENGINE_NAMES } from '../adapters/database/engines.ts';
import { StoredDevices } from '../adapters/database/stored-devices.ts';
import { DAY_MS, Feed, markedHours, readRollups } from '../adapters/database/telemetry/telemetry-world.ts';

for (const engine of ENGINE_NAMES)
  describe(`telemetry-upkeep on ${engine}`, () => {
    let world: StoredDevices;
    let broker: ServiceBroker;
    const dayMs = Math.floor(Date.now() / DAY_MS - 2) * DAY_MS;
    before(async () => {
      world = await StoredDevices.start(engine);
      const config = readConfig(world.url === undefined ? {} : { DATABASE_URL: world.url });
      broker = new ServiceBroker({ logger: false });
      broker.createService(
        telemetryUpkeepService({ config, database: world.database, log: pino({ level: 'silent' }) }),
      );
    });
    after(async () => {
      await broker?.stop();
      await world?.stop();
    });

    it('makes rollups by itself, and what the next days need before it counts as started', async () => {
      const feed = new Feed(world, await world.add(), 't');
      await feed.send({ ms: dayMs, value: 1 }, { ms: dayMs + 1, value: 3 });
      await broker.start();
      if (engine === 'timescale') {
        const jobs = await world.database.query(
          `SELECT 1 AS one FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'`,
        );
        assert.equal(jobs.length, 1);
      } else assert.ok((await partitionsOf(world.database, 'telemetry')).length >= 4);
      while ((await markedHours(world.database, feed.device)).length > 0) await sleep(20);
      const span = { devices: [feed.device], fromMs: dayMs, toMs: dayMs + DAY_MS };
      for (const name of ['telemetry_1m', 'telemetry_1h', 'telemetry_1d'] as const)
        assert.deepEqual(
          (await readRollups(world.database, name, span, true)).map(it => [it.count, it.sum]),
          [[2, 4]],
        );
    });

    it('makes them at once when it is asked', async () => {
      const feed = new Feed(world, await world.add(), 't');
      await feed.send({ ms: dayMs, value: 1 });
      assert.ok((await call(broker, telemetryUpkeep.fold, {})) > 0);
      assert.deepEqual(await markedHours(world.database, feed.device), []);
      assert.equal(await call(broker, telemetryUpkeep.fold, {}), 0);
      await call(broker, telemetryUpkeep.keepUp, {});
    });
  });

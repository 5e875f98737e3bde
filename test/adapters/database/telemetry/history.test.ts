/** Pieces of history, and what they leave for those who make rollups and look for the newest: the same on every engine that is there. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { uuidv7 } from 'uuidv7';
import type { Database, DatabaseError } from '../../../../adapters/database/database.ts';
import {
  type HistoryPiece,
  type HistoryPoint,
  HistoryWriter,
} from '../../../../adapters/database/telemetry/history.ts';
import { LIMITS } from '../../../../contracts/limits.ts';
import { ENGINE_NAMES } from '../engines.ts';
import { type StoredDevice, StoredDevices } from '../stored-devices.ts';
import { assertExact, DAY_MS, Feed, foldAll, HOUR_MS, MINUTE_MS, markedHours } from './telemetry-world.ts';

for (const engine of ENGINE_NAMES)
  describe(`writing history on ${engine}`, () => {
    let world: StoredDevices;
    let database: Database;
    let writer: HistoryWriter;
    let device: StoredDevice;
    let importId: string;
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const thenMs = today - 40 * DAY_MS;

    before(async () => {
      world = await StoredDevices.start(engine);
      database = world.database;
      writer = new HistoryWriter(database, LIMITS);
    });
    after(async () => {
      await writer?.close();
      await world?.stop();
    });
    beforeEach(async () => {
      device = await world.add();
      importId = uuidv7();
      await database.query(
        `INSERT INTO telemetry_import (import_id, tenant_id, format, form, state, dry_run, requested_by)
         VALUES ($1, $2, 'csv', 'long', 'running', false, 'test')`,
        [importId, world.tenantId],
      );
    });

    const point = (ms: number, value = 1, measurement = 'a'): HistoryPoint => ({
      ...{ deviceUid: device.uid, measurement, tsUs: ms * 1_000, value, quality: null, flags: 0, json: null },
    });
    const piece = (points: HistoryPoint[], pieces = 0): HistoryPiece => ({
      ...{ importId, tenantId: world.tenantId, pieces, isDryRun: false, points, refusals: [] },
      progress: { place: { offset: pieces + 1 }, lines: pieces + 1, refused: 0, flagged: 0, reported: 0, reasons: {} },
    });
    const counts = async () => {
      const [row] = await database.query(
        'SELECT pieces, stored, duplicates FROM telemetry_import WHERE import_id = $1',
        [importId],
      );
      return row;
    };
    const values = async () =>
      (await database.query('SELECT value FROM telemetry WHERE device_uid = $1 ORDER BY ts', [device.uid])).map(
        row => row.value,
      );

    it('stores what is new, counts what was there, and is the same when it comes by itself or row by row', async () => {
      await writer.write(piece([point(thenMs, 1), point(thenMs + 1, 2)]));
      await writer.write(piece([point(thenMs + 1, 99), point(thenMs + 2, 3), point(thenMs + 2, 98)], 1));
      await writer.write(piece([point(thenMs + DAY_MS, 4)], 2));
      await writer.write(piece([point(thenMs - 300 * DAY_MS, 0)], 3));
      assert.deepEqual(await values(), [0, 1, 2, 3, 4]);
      assert.deepEqual(await counts(), { pieces: 4, stored: 5, duplicates: 2 });
    });

    it('marks the hours of what is new, and no others; the rollups then say what the rows say', async () => {
      const points = Array.from({ length: 500 }, (_, i) => point(thenMs + i * MINUTE_MS, i, i % 2 === 0 ? 'a' : 'b'));
      await writer.write(piece(points));
      await foldAll(database, Date.now());
      assert.deepEqual(await markedHours(database, device), []);
      await writer.write(piece(points, 1));
      assert.deepEqual(await markedHours(database, device), []);
      await writer.write(piece([...points, point(thenMs + HOUR_MS + 1, 7)], 2));
      assert.deepEqual(await markedHours(database, device), [thenMs + HOUR_MS]);
      await foldAll(database, Date.now());
      await assertExact(database, { devices: [device], fromMs: thenMs, toMs: thenMs + DAY_MS });
    });

    it('raises the newest day of a series, and never lowers it', async () => {
      const feed = new Feed(world, device, 'a');
      await feed.send({ ms: thenMs, value: 1 });
      await writer.write(piece([point(thenMs - DAY_MS, 0)]));
      assert.deepEqual((await world.load(device)).newestUs, [thenMs * 1_000]);
      await writer.write(piece([point(today, 2), point(thenMs, 5)], 1));
      assert.deepEqual((await world.load(device)).newestUs, [today * 1_000]);
      // Nobody told whoever feeds it: that its COPY finds what is there is an error by which it notices.
      await assert.rejects(feed.send({ ms: today, value: 3 }), { kind: 'duplicate_key' });
    });

    it('stores a piece once, however often it comes, and none of an import that has ended', async () => {
      await writer.write(piece([point(thenMs)]));
      await assert.rejects(writer.write(piece([point(thenMs + 1)])), { kind: 'expectation_failed' });
      await assert.rejects(writer.write(piece([point(thenMs), point(thenMs + 1)])), { kind: 'expectation_failed' });
      await database.query(`UPDATE telemetry_import SET state = 'cancelled' WHERE import_id = $1`, [importId]);
      await assert.rejects(writer.write(piece([point(thenMs + 1)], 1)), { kind: 'expectation_failed' });
      await assert.rejects(writer.write(piece([], 1)), { kind: 'expectation_failed' });
      assert.deepEqual(await values(), [1]);
    });

    it('stores nothing of a device that ended meanwhile, or of another tenant', async () => {
      for (const sql of [
        `UPDATE device SET state = 'decommissioned' WHERE device_uid = $1`,
        `UPDATE device SET state = 'active', erasure_started_at = now() WHERE device_uid = $1`,
      ]) {
        await database.query(sql, [device.uid]);
        await assert.rejects(writer.write(piece([point(thenMs)])), { kind: 'expectation_failed' });
      }
      await database.query('UPDATE device SET erasure_started_at = NULL WHERE device_uid = $1', [device.uid]);
      const [other] = await database.query<{ it: number }>(
        `INSERT INTO tenant (slug) VALUES ($1) RETURNING tenant_id AS it`,
        [importId],
      );
      await assert.rejects(writer.write({ ...piece([point(thenMs)]), tenantId: other!.it }), {
        kind: 'expectation_failed',
      });
      await writer.write(piece([point(thenMs)]));
    });

    if (engine === 'postgres')
      it('gives way to whoever holds what it needs, and stores it later', async () => {
        await writer.write(piece([point(thenMs, 1)]));
        const impatient = new HistoryWriter(database, { ...LIMITS, historyLockWaitMs: 20 });
        try {
          await database.transaction(async tx => {
            await tx.query(
              `INSERT INTO telemetry (device_uid, measurement_id, ts, value)
               SELECT device_uid, measurement_id, ts + interval '1 ms', 2 FROM telemetry WHERE device_uid = $1 AND ts >= $2`,
              [device.uid, new Date(thenMs)],
            );
            const waiting = impatient.write(piece([point(thenMs + 1, 3)], 1));
            await assert.rejects(waiting, (error: DatabaseError) => error.kind === 'timeout');
          });
          await impatient.write(piece([point(thenMs + 1, 3), point(thenMs + 2, 4)], 1));
        } finally {
          await impatient.close();
        }
        assert.deepEqual(await values(), [1, 2, 4]);
        assert.deepEqual(await counts(), { pieces: 2, stored: 2, duplicates: 1 });
      });
  });

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { TelemetrySpans } from '../../adapters/database/telemetry/reading/spans.ts';
import { coveredSpan, latestTime, nextTime } from '../../services/exports/cron-times.ts';
import { takeDueSchedule } from '../../services/exports/due-schedules.ts';
import { ExportRunner } from '../../services/exports/runner.ts';
import { type ExportsNode, exportWhen, fill, startExportsNode } from './exports-node.ts';
import { addTenant, ask, ENGINES } from './rest-node.ts';

const DAILY = { cron: '0 6 * * *', timezone: 'Europe/Berlin', window: 'previous day', format: 'csv' };

for (const engine of ENGINES)
  describe(`schedules of exports on ${engine}`, () => {
    let node: ExportsNode;
    before(async () => {
      // Its own runner does not look meanwhile.
      node = await startExportsNode({
        engine,
        env: { SKEIN_LIMIT_EXPORT_SCHEDULES_MAX: '8', SKEIN_LIMIT_EXPORT_POLL_MS: '600000' },
      });
      await fill(node, ['a'], 5);
    });
    after(() => node?.stop());

    let number = 0;
    const make = async (more: object = {}) => {
      const { status, body, headers } = await ask(node, 'POST /api/v1/exports/schedules', {
        body: { ...DAILY, name: `s${++number}`, ...more },
      });
      assert.equal(status, 201, JSON.stringify(body));
      assert.equal(headers.get('location'), `/api/v1/exports/schedules/${body.id}`);
      return body;
    };
    const remove = (id: string) => ask(node, `DELETE /api/v1/exports/schedules/${id}`);
    const madeBy = async (id: string) => (await ask(node, `GET /api/v1/exports?scheduleId=${id}`)).body.items;
    const due = (id: string, ago: string) =>
      node.database.query(
        `UPDATE telemetry_export_schedule SET next_at = now() - $2::interval, due_at = now() - $2::interval WHERE schedule_id = $1`,
        [id, ago],
      );
    const quiet = async () => {
      while (await takeDueSchedule(node.database, node.config.limits));
    };

    test('are made, listed, paused, gone on with and removed', async () => {
      const made = await make({ measurements: ['t'], interval: '1h', aggregate: ['avg'] });
      assert.ok(Date.parse(made.nextAt) > Date.now());
      assert.deepEqual(
        [made.window, made.timezone, made.paused, made.lastExportId],
        ['previous day', 'Europe/Berlin', false, null],
      );
      assert.deepEqual(
        (await ask(node, 'GET /api/v1/exports/schedules')).body.items.map((it: { id: string }) => it.id),
        [made.id],
      );
      const paused = (await ask(node, `POST /api/v1/exports/schedules/${made.id}/pause`)).body;
      assert.deepEqual([paused.paused, paused.nextAt], [true, null]);
      await due(made.id, '2 days');
      await quiet();
      assert.deepEqual(await madeBy(made.id), []);
      const resumed = (await ask(node, `POST /api/v1/exports/schedules/${made.id}/resume`)).body;
      assert.deepEqual([resumed.paused, resumed.nextAt], [false, made.nextAt]);
      assert.deepEqual((await ask(node, `GET /api/v1/exports/schedules/${made.id}`)).body, resumed);
      assert.equal((await remove(made.id)).status, 200);
      assert.equal((await ask(node, `GET /api/v1/exports/schedules/${made.id}`)).status, 404);
    });

    test('are due once, however many nodes look', async () => {
      const { id } = await make();
      const runners = Array.from({ length: 3 }, () => {
        const limits = { ...node.config.limits, exportPollMs: 5 };
        const spans = new TelemetrySpans(node.database);
        return new ExportRunner({
          ...node,
          archive: { ranges: async () => [], async *read() {} },
          limits,
          spans,
          instanceId: randomUUID(),
        });
      });
      for (const it of runners) it.start();
      await due(id, '1 minute');
      await Promise.all(Array.from({ length: 10 }, () => takeDueSchedule(node.database, node.config.limits)));
      await quiet();
      // Whoever looks with an old view of it finds that it was made.
      await due(id, '1 minute');
      await quiet();
      const items = await madeBy(id);
      assert.equal(items.length, 1);
      const [one] = items;
      const span = coveredSpan('previous day', 'Europe/Berlin', new Date(one.dueTime));
      assert.deepEqual([Date.parse(one.from), Date.parse(one.to)], [span.fromMs, span.toMs]);
      const { body } = await ask(node, `GET /api/v1/exports/schedules/${id}`);
      assert.deepEqual([body.lastExportId, body.lastDueTime], [one.id, one.dueTime]);
      assert.ok(Date.parse(body.nextAt) > Date.now());
      assert.equal((await exportWhen(node, one.id, it => it.endedAt !== null)).state, 'completed');
      for (const it of runners) await it.stop();
      await remove(id);
      assert.equal((await ask(node, `GET /api/v1/exports/${one.id}`)).body.scheduleId, null, 'its exports stay');
    });

    test('make only the latest of several times that were missed', async () => {
      const { id } = await make();
      await due(id, '10 days');
      await quiet();
      const items = await madeBy(id);
      assert.equal(items.length, 1);
      assert.ok(Date.now() - Date.parse(items[0].dueTime) <= 25 * 3_600_000);
      await remove(id);
    });

    test('wait while the organization has as many exports as it may have', async () => {
      const { id } = await make();
      await due(id, '1 minute');
      const full = { ...node.config.limits, exportsUnderWayMax: 0, exportRetryMs: 3_600_000 };
      assert.equal(await takeDueSchedule(node.database, full), true);
      assert.equal(await takeDueSchedule(node.database, full), false, 'it is not looked at all the time');
      assert.deepEqual(await madeBy(id), []);
      const { body } = await ask(node, `GET /api/v1/exports/schedules/${id}`);
      assert.ok(Date.parse(body.nextAt) < Date.now(), 'the time is not lost');
      await due(id, '1 minute');
      await quiet();
      assert.equal((await madeBy(id)).length, 1);
      await remove(id);
    });

    test('that make no sense are refused', async () => {
      const refused = async (more: object, status = 400, type = 'invalid_request') => {
        const answer = await ask(node, 'POST /api/v1/exports/schedules', { body: { ...DAILY, name: 'bad', ...more } });
        assert.deepEqual([answer.status, answer.body.type], [status, type], JSON.stringify([more, answer.body]));
      };
      for (const cron of [
        '',
        'x',
        '* * * * * *',
        '61 * * * *',
        '@daily',
        '2026-01-01T00:00:00',
        '0 0 30 2 *',
        '* * * *',
        '1;2 * * * *',
      ])
        await refused({ cron });
      await refused({ timezone: 'Mars/Olympus' });
      await refused({ window: 'previous year' });
      await refused({ format: 'pdf' });
      await refused({ from: '2026-01-01' });
      await refused({ window: 'previous month', interval: '1s' }, 422, 'too_many_buckets');
      await refused({ group: 'nowhere' }, 404, 'not_found');
      const { id } = await make({ name: 'twice' });
      await refused({ name: 'twice' }, 409, 'conflict');
      for (let n = 0; n < 7; n++) await make();
      await refused({ name: 'one more' }, 409, 'quota_exceeded');
      const key = await addTenant(node, `other-${engine}`);
      for (const line of [
        `GET /api/v1/exports/schedules/${id}`,
        `DELETE /api/v1/exports/schedules/${id}`,
        `POST /api/v1/exports/schedules/${id}/pause`,
      ])
        assert.equal((await ask(node, line, { key })).status, 404, line);
      assert.deepEqual((await ask(node, 'GET /api/v1/exports/schedules', { key })).body.items, []);
    });
  });

describe('times of schedules', () => {
  const iso = ({ fromMs, toMs }: { fromMs: number; toMs: number }) => [
    new Date(fromMs).toISOString(),
    new Date(toMs).toISOString(),
  ];
  test('cover what had ended, by local clocks', () => {
    const at = new Date('2026-03-30T04:00:00Z');
    assert.deepEqual(iso(coveredSpan('previous day', 'Europe/Berlin', at)), [
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ]);
    assert.deepEqual(iso(coveredSpan('previous hour', 'UTC', at)), [
      '2026-03-30T03:00:00.000Z',
      '2026-03-30T04:00:00.000Z',
    ]);
    assert.deepEqual(iso(coveredSpan('previous week', 'UTC', at)), [
      '2026-03-23T00:00:00.000Z',
      '2026-03-30T00:00:00.000Z',
    ]);
    assert.deepEqual(iso(coveredSpan('previous month', 'UTC', at)), [
      '2026-02-01T00:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]);
    assert.deepEqual(iso(coveredSpan('previous month', 'UTC', new Date('2026-03-01T00:00:00Z'))), [
      '2026-02-01T00:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]);
  });
  test('are those of the pattern, in its time zone, the very moment included', () => {
    const six = Date.parse('2026-03-30T04:00:00Z');
    assert.equal(latestTime('0 6 * * *', 'Europe/Berlin', six)!.getTime(), six);
    assert.equal(latestTime('0 6 * * *', 'Europe/Berlin', six - 1)!.toISOString(), '2026-03-29T04:00:00.000Z');
    assert.equal(nextTime('0 6 * * *', 'Europe/Berlin', six)!.toISOString(), '2026-03-31T04:00:00.000Z');
  });
});

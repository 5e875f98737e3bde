import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Database, Row } from '../../../../adapters/database/database.ts';
import { migrate, readMigrations } from '../../../../adapters/database/migrate.ts';
import { type BucketsAsked, readBuckets } from '../../../../adapters/database/telemetry/reading/buckets.ts';
import { readReadings } from '../../../../adapters/database/telemetry/reading/readings.ts';
import {
  growingWindows,
  TelemetrySpans,
  WINDOW_PARTITIONS,
} from '../../../../adapters/database/telemetry/reading/spans.ts';
import { oneBucket } from '../../../../adapters/database/telemetry/reading/steps.ts';
import { intervalOf, stepsOf } from '../../../../mixins/intervals.ts';
import { ENGINE_NAMES, ENGINES, type Subject } from '../engines.ts';
import type { Plan } from '../plans.ts';
import { fold, store } from './stored-readings.ts';

const DAYS = 100;
const DAY = 86_400e6;
type Planned = Plan & { readonly 'Subplans Removed'?: number };

/** A database that explains what it is asked before it answers, and remembers the partitions that each statement was planned for. */
function explaining(database: Database): { database: Database; opened: number[] } {
  const opened: number[] = [];
  const query = async <R extends Row>(sql: string, params: readonly unknown[] = []): Promise<R[]> => {
    const [row] = await database.query(`EXPLAIN (FORMAT JSON) ${sql}`, params);
    opened.push(partitionsIn((row!['QUERY PLAN'] as readonly [{ Plan: Planned }])[0].Plan).size);
    return database.query<R>(sql, params);
  };
  return { database: { ...database, engine: database.engine, query } as Database, opened };
}

/** One that is left out only when the statement runs was planned for all the same. */
function partitionsIn(plan: Planned, into = new Set<string>()): Set<string> {
  const name = plan['Relation Name'] ?? '';
  if (/^(telemetry(_1m)?_\d{6,8}|_hyper_\d+_\d+_chunk)$/.test(name)) into.add(name);
  for (let i = 0; i < (plan['Subplans Removed'] ?? 0); i++) into.add(`removed ${into.size}`);
  for (const one of plan.Plans ?? []) partitionsIn(one as Planned, into);
  return into;
}

for (const engine of ENGINE_NAMES)
  describe(`with ${DAYS} partitions on ${engine}`, () => {
    let subject: Subject;
    let starts: readonly number[];
    let first: number;
    before(async () => {
      subject = await ENGINES[engine]();
      const { database } = subject;
      await migrate(database, await readMigrations());
      const [row] = await database.query<{ us: number }>(
        `SELECT (extract(epoch FROM daily_from::timestamptz) * 1000000)::int8 AS us FROM telemetry_layout`,
      );
      first = row!.us;
      const rows = Array.from({ length: DAYS }, (_, day) => ({
        device: 1,
        measurement: 1,
        us: first + day * DAY + 60e6,
        value: day,
      }));
      await store(database, rows);
      // The last day, and one in the middle, are not folded.
      await fold(database, [first + 50 * DAY, first + (DAYS - 1) * DAY]);
      starts = await new TelemetrySpans(database).starts();
    });
    after(() => subject.stop());

    test('all partitions are known', () => {
      assert.equal(starts.length, DAYS);
    });

    test('a page of readings opens a partition, and some more only where the first ones are empty', async () => {
      const { database, opened } = explaining(subject.database);
      const range = { fromUs: first + 10 * DAY, toUs: first + DAYS * DAY };
      const source = { deviceUid: 1, measurementIds: [1] };
      const rows = await readReadings(database, source, growingWindows(starts, range), undefined, 1, {});
      assert.deepEqual([rows.length, opened], [1, [1]]);
      opened.length = 0;
      assert.equal((await readReadings(database, source, growingWindows(starts, range), undefined, 90, {})).length, 90);
      assert.ok(Math.max(...opened) <= WINDOW_PARTITIONS, `${opened}`);
      opened.length = 0;
      assert.deepEqual(
        await readReadings(
          database,
          { deviceUid: 2, measurementIds: [1] },
          growingWindows(starts, range),
          undefined,
          90,
          {},
        ),
        [],
      );
      assert.ok(Math.max(...opened) <= WINDOW_PARTITIONS, `${opened}`);
    });

    const asked = (more: Partial<BucketsAsked>): BucketsAsked => ({
      set: { devices: [1], measurements: [1] },
      of: 'measurement',
      steps: stepsOf(intervalOf('1h'), undefined),
      range: { fromUs: first + 1, toUs: first + DAYS * DAY },
      statistics: ['avg', 'count'],
      restriction: {},
      order: { by: 'time' },
      limit: 10_000,
      starts,
      minutesFromUs: 0,
      ...more,
    });

    test('rollups of a long time open the partitions of its ends and of what is marked', async () => {
      if (engine === 'timescale') return;
      for (const more of [
        {},
        { steps: stepsOf(intervalOf('1d'), undefined) },
        { of: 'device', steps: oneBucket(first + 1) },
      ] as const) {
        const { database, opened } = explaining(subject.database);
        const { rows } = await readBuckets(database, asked(more));
        assert.equal(
          rows.reduce((sum, it) => sum + it.count, 0),
          DAYS,
        );
        assert.ok(Math.max(...opened) <= 4, `${opened}`);
      }
    });

    test('buckets of readings are made window by window', async () => {
      const { database, opened } = explaining(subject.database);
      const { rows } = await readBuckets(database, asked({ statistics: ['p95', 'count'] }));
      assert.equal(rows.length, DAYS);
      assert.ok(Math.max(...opened) <= WINDOW_PARTITIONS, `${opened}`);
    });

    test('a bound that is calculated in the statement would open all of them', async () => {
      if (engine === 'timescale') return;
      const { database, opened } = explaining(subject.database);
      await database.query(
        `SELECT ts FROM telemetry WHERE device_uid = 1 AND measurement_id = 1
           AND ts >= 'epoch'::timestamptz + $1::float8 * interval '1 microsecond' AND ts < 'epoch'::timestamptz + $2::float8 * interval '1 microsecond'`,
        [first, first + DAY],
      );
      assert.deepEqual(opened, [DAYS]);
    });
  });

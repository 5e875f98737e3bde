import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { migrate, readMigrations } from '../../../../adapters/database/migrate.ts';
import { percentile } from '../../../../adapters/database/telemetry/reading/archived-buckets.ts';
import { type BucketsAsked, readBuckets } from '../../../../adapters/database/telemetry/reading/buckets.ts';
import { TelemetrySpans } from '../../../../adapters/database/telemetry/reading/spans.ts';
import {
  needsOf,
  PERCENTILES,
  type Statistic,
  statisticOf,
} from '../../../../adapters/database/telemetry/reading/statistics.ts';
import { oneBucket, type Steps } from '../../../../adapters/database/telemetry/reading/steps.ts';
import { intervalOf, stepsOf } from '../../../../mixins/intervals.ts';
import { ENGINE_NAMES, ENGINES, type Subject } from '../engines.ts';
import { fold, store, type Written } from './stored-readings.ts';

const T0 = Date.parse('2026-10-20T00:00:00Z') * 1000;
const MINUTE = 60e6;
const HOUR = 60 * MINUTE;
const DAYS = 8;
const ALL: readonly Statistic[] = ['avg', 'min', 'max', 'sum', 'count', 'stddev', 'first', 'last'];

/** Around the end of summer time in Europe (2026-10-25), thin enough that there are gaps. */
function someReadings(random: () => number): Written[] {
  const rows = new Map<string, Written>();
  for (let i = 0; i < 3_000; i++) {
    const device = 1 + Math.floor(random() * 3);
    const measurement = 1 + Math.floor(random() * 2);
    const us =
      T0 + Math.floor(random() * DAYS * 24 * 60) * MINUTE + (random() < 0.3 ? 0 : Math.floor(random() * MINUTE));
    const value = random() < 0.05 ? null : Math.round(random() * 2000) - 1000;
    rows.set(`${device} ${measurement} ${us}`, {
      device,
      measurement,
      us,
      value,
      quality: Math.floor(random() * 10_001),
    });
  }
  return [...rows.values()];
}

type Expected = Record<string, Record<string, number | null>>;
/** What the readings themselves say, in the simplest way there is. */
function expected(
  rows: readonly Written[],
  asked: Pick<BucketsAsked, 'set' | 'of' | 'range' | 'steps' | 'statistics'>,
): Expected {
  const { set, of, range, steps } = asked;
  const wanted = rows.filter(
    it =>
      it.value !== null &&
      set.devices.includes(it.device) &&
      set.measurements.includes(it.measurement) &&
      it.us >= range.fromUs &&
      it.us < range.toUs,
  );
  const groups = Map.groupBy(
    wanted,
    it => `${of === 'device' ? it.device : 0} ${it.measurement} ${steps.floor(it.us)}`,
  );
  return Object.fromEntries(
    [...groups].map(([key, its]) => {
      const inOrder = its.toSorted((a, b) => a.us - b.us);
      const values = inOrder.map(it => it.value!);
      const sorted = values.toSorted((a, b) => a - b);
      const sum = values.reduce((a, b) => a + b, 0);
      const mean = sum / values.length;
      const all: Record<Statistic, number> = {
        count: values.length,
        sum,
        avg: mean,
        min: sorted[0]!,
        max: sorted.at(-1)!,
        first: values[0]!,
        last: values.at(-1)!,
        stddev: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length),
        p50: percentile(sorted, PERCENTILES.p50),
        p95: percentile(sorted, PERCENTILES.p95),
        p99: percentile(sorted, PERCENTILES.p99),
      };
      return [key, Object.fromEntries(asked.statistics.map(it => [it, round(all[it])]))];
    }),
  );
}
const round = (value: number | null): number | null => (value === null ? null : Math.round(value * 1e6) / 1e6);

/** From here on there are rollups of minutes. */
const MINUTES_FROM = T0 + 2 * 24 * HOUR;

for (const engine of ENGINE_NAMES)
  describe(`buckets on ${engine}`, () => {
    let subject: Subject;
    let rows: Written[];
    let starts: readonly number[];
    const marked = [T0 + 5 * HOUR, T0 + 5 * 24 * HOUR, T0 + 5 * 24 * HOUR + 2 * HOUR, T0 + (DAYS * 24 - 1) * HOUR];
    before(async () => {
      subject = await ENGINES[engine]();
      await migrate(subject.database, await readMigrations());
      let seed = 42;
      rows = someReadings(() => {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        return seed / 2 ** 31;
      });
      await store(subject.database, rows);
      await fold(subject.database, marked);
      // They have ended: whoever still reads them misses something.
      if (engine !== 'timescale')
        await subject.database.query(`DELETE FROM telemetry_1m WHERE bucket < to_timestamp($1::float8 / 1000000)`, [
          MINUTES_FROM,
        ]);
      starts = await new TelemetrySpans(subject.database).starts();
    });
    after(() => subject.stop());

    const read = async (asked: Partial<BucketsAsked> & Pick<BucketsAsked, 'steps' | 'range'>) => {
      const whole: BucketsAsked = {
        set: { devices: [1], measurements: [1, 2] },
        of: 'measurement',
        statistics: ALL,
        restriction: {},
        order: { by: 'time' },
        limit: 100_000,
        starts,
        minutesFromUs: MINUTES_FROM,
        ...asked,
      };
      const found = await readBuckets(subject.database, whole);
      const needs = needsOf(whole.statistics);
      const said = Object.fromEntries(
        found.rows.map(row => [
          `${row.device} ${row.measurement_id} ${row.us}`,
          Object.fromEntries(whole.statistics.map(it => [it, round(statisticOf(row, it, needs))])),
        ]),
      );
      return { ...found, said, whole };
    };

    test('buckets from rollups say what the readings say, whatever the interval, the range and the marks', async () => {
      const interval = fc.constantFrom('30s', '1m', '5m', '1h', '7h', '1d', '2d', '1w', '1mo');
      const zone = fc.constantFrom(undefined, 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns');
      const moment = fc
        .integer({ min: -60, max: DAYS * 24 * 60 + 60 })
        .chain(minute => fc.constantFrom(0, 1, 29_999_999).map(us => T0 + minute * MINUTE + us));
      const sources = new Set<string>();
      await fc.assert(
        fc.asyncProperty(
          interval,
          zone,
          moment,
          moment,
          fc.constantFrom('one', 'all', 'device'),
          async (text, timezone, a, b, kind) => {
            const steps: Steps = kind === 'device' ? oneBucket(Math.min(a, b)) : stepsOf(intervalOf(text), timezone);
            const { said, whole, source } = await read({
              steps,
              range: { fromUs: Math.min(a, b), toUs: Math.max(a, b) },
              ...(kind !== 'one' && {
                of: kind as 'all' | 'device',
                set: { devices: [1, 2, 3], measurements: [1] },
                statistics: ALL.filter(it => kind === 'device' || (it !== 'first' && it !== 'last')),
              }),
            });
            sources.add(source);
            assert.deepEqual(said, expected(rows, whole));
          },
        ),
        { numRuns: 60, seed: 7 },
      );
      assert.deepEqual([...sources].sort(), ['1d', '1h', '1m', 'raw']);
    });

    test('percentiles, and the first and last value of several devices, are those of the readings', async () => {
      const { said, whole, source } = await read({
        steps: stepsOf(intervalOf('1d'), 'Europe/Berlin'),
        range: { fromUs: T0 + HOUR, toUs: T0 + 6 * 24 * HOUR },
        of: 'all',
        set: { devices: [1, 2, 3], measurements: [1] },
        statistics: ['p50', 'p95', 'p99', 'count'],
      });
      assert.equal(source, 'raw');
      assert.deepEqual(said, expected(rows, whole));
    });

    test('a quality leaves out what is below it', async () => {
      const { said, whole, source } = await read({
        steps: stepsOf(intervalOf('1d'), undefined),
        range: { fromUs: T0, toUs: T0 + DAYS * 24 * HOUR },
        restriction: { minQuality: 5_000 },
      });
      assert.equal(source, 'raw');
      assert.deepEqual(
        said,
        expected(
          rows.filter(it => it.quality! >= 5_000),
          whole,
        ),
      );
    });

    test('without looking at the marks the answer is another one', async () => {
      if (engine === 'timescale') return;
      const range = { fromUs: T0, toUs: T0 + DAYS * 24 * HOUR };
      const steps = stepsOf(intervalOf('1d'), undefined);
      await subject.database.query('CREATE TABLE marks_kept AS SELECT * FROM telemetry_change');
      await subject.database.query('DELETE FROM telemetry_change');
      const { said, whole } = await read({ steps, range });
      await subject.database.query('INSERT INTO telemetry_change SELECT * FROM marks_kept');
      assert.notDeepEqual(said, expected(rows, whole));
      assert.deepEqual((await read({ steps, range })).said, expected(rows, whole));
    });

    test('pages of buckets together are the whole', async () => {
      const range = { fromUs: T0 + 17 * MINUTE, toUs: T0 + 4 * 24 * HOUR };
      const steps = stepsOf(intervalOf('1h'), undefined);
      const statistics: Statistic[] = ['count', 'sum', 'first', 'last'];
      const whole = await read({ steps, range, statistics });
      const pages = [];
      for (let last: readonly [number, number] | undefined; ; ) {
        const fromUs = Math.max(range.fromUs, last?.[0] ?? range.fromUs);
        const page = await read({
          steps,
          statistics,
          range: { ...range, fromUs },
          order: { by: 'time', after: last },
          limit: 7,
        });
        pages.push(...page.rows);
        if (page.rows.length < 7) break;
        last = [page.rows.at(-1)!.us, page.rows.at(-1)!.measurement_id];
      }
      assert.deepEqual(pages, whole.rows);
    });

    test('values whose spread is far smaller than they are keep their spread when rollups are put together', async () => {
      const big = Array.from({ length: 240 }, (_, i) => ({
        device: 9,
        measurement: 9,
        us: T0 + i * MINUTE,
        value: 1e9 + (i % 2),
      }));
      await store(subject.database, big);
      await fold(subject.database, marked);
      const { said } = await read({
        set: { devices: [9], measurements: [9] },
        steps: stepsOf(intervalOf('1d'), undefined),
        range: { fromUs: T0, toUs: T0 + 4 * HOUR },
        statistics: ['stddev'],
      });
      assert.deepEqual(Object.values(said), [{ stddev: 0.5 }]);
    });
  });

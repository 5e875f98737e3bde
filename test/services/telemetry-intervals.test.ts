import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkBuckets, intervalOf, stepsOf } from '../../mixins/intervals.ts';
import { filled } from '../../services/telemetry/fill.ts';
import { rangeOf } from '../../services/telemetry/timestamps.ts';

const us = (text: string): number => Date.parse(text) * 1000;
const iso = (at: number): string => new Date(at / 1000).toISOString();
/** Where buckets begin from here to there. */
function edges(interval: string, timezone: string | undefined, from: string, to: string): string[] {
  const steps = stepsOf(intervalOf(interval), timezone);
  const all: string[] = [];
  for (let edge = steps.floor(us(from)); edge < us(to); edge = steps.next(edge)) {
    assert.equal(steps.floor(edge), edge);
    assert.ok(steps.next(edge) > edge);
    assert.equal(steps.floor(steps.next(edge) - 1), edge);
    all.push(iso(edge));
  }
  return all;
}

describe('days of a time zone', () => {
  for (const [what, timezone, day, hours] of [
    ['in spring', 'Europe/Berlin', '2026-03-29', 23],
    ['in autumn', 'Europe/Berlin', '2026-10-25', 25],
    ['in summer', 'Europe/Berlin', '2026-07-01', 24],
    ['of which the first hour does not exist', 'Africa/Cairo', '2026-04-24', 23],
    ['that begin twice', 'America/Havana', '2026-11-01', 25],
    ['with half an hour of summer time', 'Australia/Lord_Howe', '2026-04-05', 24.5],
  ] as const)
    test(`${what}, ${timezone} ${day}, have ${hours} hours`, () => {
      const steps = stepsOf(intervalOf('1d'), timezone);
      const start = steps.floor(us(`${day}T12:00:00Z`));
      assert.equal((steps.next(start) - start) / 3_600e6, hours);
      const inHours = edges('1h', timezone, iso(start), iso(steps.next(start)));
      assert.equal(inHours.length, Math.ceil(hours));
      assert.equal(new Set(inHours).size, inHours.length);
    });

  test('are found without asking for the offset of each of them', ({ mock }) => {
    const asked = mock.method(Intl.DateTimeFormat.prototype, 'formatToParts').mock;
    assert.equal(edges('1d', 'America/New_York', '2000-01-01T05:00:00Z', '2010-01-01T05:00:00Z').length, 3_653);
    assert.ok(asked.callCount() < 2_000, `${asked.callCount()}`);
  });

  test('begin at local midnight', () => {
    assert.deepEqual(edges('1d', 'Asia/Kolkata', '2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z'), [
      '2025-12-31T18:30:00.000Z',
      '2026-01-01T18:30:00.000Z',
      '2026-01-02T18:30:00.000Z',
    ]);
  });

  test('are cut into hours of the local clock, the last of which ends with the day', () => {
    assert.deepEqual(edges('10h', 'Europe/Berlin', '2026-07-01T22:00:00Z', '2026-07-02T22:00:00Z'), [
      '2026-07-01T22:00:00.000Z',
      '2026-07-02T08:00:00.000Z',
      '2026-07-02T18:00:00.000Z',
    ]);
  });
});

describe('weeks, months and years', () => {
  test('begin on Monday, on the first, in January', () => {
    assert.deepEqual(edges('1w', undefined, '2026-11-21T00:00:00Z', '2026-11-24T00:00:00Z'), [
      '2026-11-16T00:00:00.000Z',
      '2026-11-23T00:00:00.000Z',
    ]);
    assert.deepEqual(edges('1w', 'Europe/Berlin', '2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z'), [
      '2026-11-15T23:00:00.000Z',
    ]);
    assert.deepEqual(edges('1mo', undefined, '2026-02-10T00:00:00Z', '2026-04-01T00:00:00Z'), [
      '2026-02-01T00:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]);
    assert.deepEqual(edges('1mo', 'Europe/Berlin', '2026-03-10T00:00:00Z', '2026-04-01T00:00:00Z'), [
      '2026-02-28T23:00:00.000Z',
      '2026-03-31T22:00:00.000Z',
    ]);
    assert.deepEqual(edges('3mo', undefined, '2026-05-10T00:00:00Z', '2026-07-01T00:00:00Z'), [
      '2026-04-01T00:00:00.000Z',
    ]);
    assert.deepEqual(edges('1y', undefined, '2024-05-10T00:00:00Z', '2026-01-01T00:00:00Z'), [
      '2024-01-01T00:00:00.000Z',
      '2025-01-01T00:00:00.000Z',
    ]);
  });
});

describe('what can not be', () => {
  for (const text of ['', '0m', '5', '5x', '-1h', '1.5h', '99999h', '1h ', "1h'; DROP TABLE telemetry"])
    test(`the interval ${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => intervalOf(text), { type: 'invalid_request' });
    });
  for (const zone of ['', 'Europe/Nowhere', "UTC'; --", 'x'.repeat(100), '../etc'])
    test(`the time zone ${JSON.stringify(zone.slice(0, 20))} is refused`, () => {
      assert.throws(() => stepsOf(intervalOf('1d'), zone), { type: 'invalid_request' });
    });
  test('too many buckets are refused, with the interval that fits', () => {
    const tenYears = 10 * 365 * 86_400e6;
    assert.throws(() => checkBuckets(intervalOf('1s'), tenYears, 10_000), {
      type: 'too_many_buckets',
      data: { smallestInterval: '12h' },
      message: /315360001 buckets of 1s.*smallest interval that fits is 12h/,
    });
    assert.doesNotThrow(() => checkBuckets(intervalOf('12h'), tenYears, 10_000));
  });
  test('a range that ends before it begins is refused', () => {
    assert.throws(() => rangeOf(2, 1), { type: 'invalid_request' });
  });
});

describe('gaps', () => {
  const placed = [
    { us: 2e6, bucket: { timestamp: 'x', measurement: 'm', avg: 10, count: 3 } },
    { us: 5e6, bucket: { timestamp: 'y', measurement: 'm', avg: 40, count: 1 } },
  ];
  const fill = (how: 'null' | 'previous' | 'linear') =>
    filled([1e6, 2e6, 3e6, 4e6, 5e6, 6e6], placed, 'm', ['avg', 'count'], how).map(it => [
      it.bucket.avg,
      it.bucket.count,
      it.bucket.filled === true,
    ]);
  test('are null, as before, or on the line between', () => {
    assert.deepEqual(
      fill('null').map(it => it[0]),
      [null, 10, null, null, 40, null],
    );
    assert.deepEqual(
      fill('previous').map(it => it[0]),
      [null, 10, 10, 10, 40, 40],
    );
    assert.deepEqual(
      fill('linear').map(it => it[0]),
      [null, 10, 20, 30, 40, null],
    );
    assert.deepEqual(
      fill('linear').map(it => it[1]),
      [0, 3, 0, 0, 1, 0],
    );
    assert.deepEqual(
      fill('linear').map(it => it[2]),
      [true, false, true, true, false, true],
    );
  });
});

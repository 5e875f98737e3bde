/** How moments are said, and which windows of partitions a range is read in. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isoOfMicros } from '../../../../adapters/database/telemetry/reading/iso-time.ts';
import { EARLIEST_US, LATEST_US } from '../../../../adapters/database/telemetry/reading/moments.ts';
import { growingWindows } from '../../../../adapters/database/telemetry/reading/spans.ts';

const DAY_US = 86_400_000_000;

describe('a moment in ISO 8601', () => {
  const days = [EARLIEST_US, -719_468 * DAY_US, -DAY_US, 0, 951_782_400e6, 1_793_491_200e6, LATEST_US];
  // In the year 9999 a double has every 32 microseconds.
  const ofDay = [0, 32_000, 59_968_000, 3_600e6, 43_199_968_000, 86_399_968_000];
  test('is what a Date says, in whatever order they come', () => {
    for (const us of days.flatMap(day => ofDay.map(it => day + it)).concat(days))
      assert.equal(isoOfMicros(us), new Date(us / 1000).toISOString());
  });

  test('has microseconds only where there are any', () => {
    assert.equal(isoOfMicros(1), '1970-01-01T00:00:00.000001Z');
    assert.equal(isoOfMicros(-1), '1969-12-31T23:59:59.999999Z');
    assert.equal(isoOfMicros(1_793_491_200_012_345), '2026-11-01T00:00:00.012345Z');
  });
});

describe('windows', () => {
  const starts = Array.from({ length: 100 }, (_, day) => day * DAY_US);
  const inDays = (toDay: number) =>
    [...growingWindows(starts, { fromUs: 0, toUs: toDay * DAY_US })].map(it => (it.toUs - it.fromUs) / DAY_US);

  test('begin with one partition, since most pages end there, and a month of days takes two statements', () => {
    assert.deepEqual(inDays(1), [1]);
    assert.deepEqual(inDays(31), [1, 30]);
  });

  test('open no more than a statement may', () => {
    assert.deepEqual(inDays(80), [1, 32, 32, 15]);
  });
});

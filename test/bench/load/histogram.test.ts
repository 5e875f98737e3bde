import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram } from '../../../bench/load/histogram.ts';

const RESOLUTION = 1 + 1 / 64;

test('a percentile is the true one or at most a bucket above it', () => {
  const latencies = fc.array(fc.double({ min: 0, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(latencies, fc.double({ min: 0.01, max: 1, noNaN: true }), (ms, share) => {
      const histogram = new Histogram();
      for (const it of ms) histogram.record(it);
      const rounded = ms.map(it => Math.round(it * 1_000) / 1_000).sort((a, b) => a - b);
      const exact = rounded[Math.max(1, Math.ceil(share * ms.length)) - 1]!;
      const told = histogram.percentile(share);
      assert.ok(told >= exact && told <= exact * RESOLUTION, `${told} for ${exact}`);
    }),
  );
});

test('what was recorded before a reset is forgotten', () => {
  const histogram = new Histogram();
  histogram.record(1_000);
  histogram.reset();
  histogram.record(2);
  assert.deepEqual(histogram.percentiles(), { count: 1, p50: 2, p90: 2, p99: 2, p999: 2, max: 2 });
});

test('few very slow messages are seen at p99.9, not at the median', () => {
  const histogram = new Histogram();
  for (let i = 0; i < 998; i++) histogram.record(1);
  histogram.record(5_000);
  histogram.record(5_000);
  const { p50, p999 } = histogram.percentiles();
  assert.ok(p50 <= RESOLUTION);
  assert.equal(p999, 5_000);
});

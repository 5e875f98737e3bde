import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadRound, ReadRun } from '../../../bench/twin/reads.part.ts';
import { judgeReads, judgeUpdates } from '../../../bench/twin/targets.ts';
import type { UpdateRound } from '../../../bench/twin/updates.part.ts';

const reads = (count: number): ReadRun => ({
  ...{ count, errors: {}, activeSeconds: 1, latency: { count, p50: 1, p90: 1, p99: 1, p999: 1, max: 1 } },
  cpuSeconds: { reader: 1, redis: 1, postgres: 1 },
});
const readRound = (skein: number, redis: number): ReadRound => ({
  ...{ skein: reads(skein), redis: reads(redis), redisParsed: reads(1), rows: reads(1) },
});
const updateRound = (acknowledged: number, p99: number) =>
  ({ open: { report: { acknowledged, activeSeconds: 2, latency: { p99 } } } }) as unknown as UpdateRound;

test('reads are compared with Redis round by round', () => {
  // All the reads of all rounds together would be less than half of Redis'.
  assert.equal(judgeReads([readRound(50, 100), readRound(60, 100), readRound(100, 1_000)]).met, true);
  assert.equal(judgeReads([readRound(49, 100)]).met, false);
});

test('a rate that was not kept says nothing of its latencies', () => {
  const met = (...rounds: UpdateRound[]) => judgeUpdates(rounds, 5_000).map(it => it.met);
  assert.deepEqual(met(updateRound(9_990, 39)), [true, true]);
  assert.deepEqual(met(updateRound(9_990, 40)), [true, false]);
  assert.deepEqual(met(updateRound(9_000, 10)), [false, undefined]);
});

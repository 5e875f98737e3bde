import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CpuFigures, CpuRun } from '../../../bench/cluster/cpu.part.ts';
import type { StopFigures } from '../../../bench/cluster/stop.part.ts';
import { cpuRatios, judgeCpu, judgeJoin, judgeKill, judgeStop } from '../../../bench/cluster/targets.ts';
import { ENDINGS } from '../../../bench/cluster/witnesses.ts';

const RATE = 1_000;
const NO_TRAFFIC = { inBytes: 0, outBytes: 0, inMessages: 0, outMessages: 0 };

/** Ten seconds at the rate. @param cpu seconds of nodes, PostgreSQL and NATS together */
function cpuRun(cpu: number, committed = 10 * RATE): CpuRun {
  const latency = { count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
  const counts = { sent: 0, sentQos0: 0, skipped: 0, inFlight: 0, connected: 0, reconnects: 0, lost: 0 };
  const report = { ...counts, acknowledged: committed, activeSeconds: 10, latency, timeouts: 0, refusals: 0 };
  // The generator's share would change every ratio if it counted.
  const used = { seconds: 10, nodes: [cpu / 4, cpu / 4], postgres: cpu / 4, nats: cpu / 4, generator: 99 };
  return { committed, report, drained: true, used: { ...used, transactions: 0, traffic: NO_TRAFFIC } };
}
const figures = (setup: string, ...cpu: number[]): CpuFigures => ({ setup, runs: cpu.map(it => cpuRun(it)) });

test('CPU is compared round by round with one node, without the generator', () => {
  const all = [figures('1', 1, 2, 4), figures('3', 1.5, 2, 8)];
  const { min, median, max } = cpuRatios(all, '3')!;
  assert.deepEqual(
    [min, median, max].map(it => it.toFixed(6)),
    ['1.000000', '1.500000', '2.000000'],
  );
  assert.equal(cpuRatios(all, '8'), undefined);
  assert.equal(cpuRatios([figures('3', 1)], '3'), undefined);
});

test('the CPU of three and of eight nodes has a target each, and that of others none', () => {
  const all = [figures('1', 1), figures('2', 9), figures('3', 1.5), figures('8', 1.8)];
  assert.deepEqual(
    judgeCpu(all, RATE).map(it => it.met),
    [true, false],
  );
});

test('a run that did not keep the rate says nothing about the price of a message', () => {
  const slow = { setup: '3', runs: [cpuRun(1, 9 * RATE)] };
  const [verdict] = judgeCpu([figures('1', 1), slow], RATE);
  assert.equal(verdict!.met, undefined);
});

test('of repetitions the worst counts', () => {
  const kill = (ownedMs: number) => ({ ownedMs, affectedMs: 0, othersMs: 0, affected: 0 });
  assert.equal(judgeKill([kill(11_000), kill(14_000)])[0]!.met, true);
  assert.equal(judgeKill([kill(11_000), kill(14_001)])[0]!.met, false);
});

test('a quarter of the shards may move to a fifth node', () => {
  const latency = { count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
  const moved = (shardsMoved: number) =>
    judgeJoin([
      {
        ...{ shardsMoved, firstMovedMs: 0, lastMovedMs: 0, longestWaitMs: 0 },
        ...{ before: latency, starting: latency, moving: latency },
      },
    ])[0]!.met;
  assert.deepEqual([moved(64), moved(65)], [true, false]);
});

const orderly: StopFigures = {
  longestWaitMs: 300,
  endedMs: 900,
  exitCode: 0,
  refusals: 0,
  timeouts: 0,
  there: { [ENDINGS.toldToGo]: 10 },
  elsewhere: { [ENDINGS.stayed]: 20 },
};

test('a stop is orderly when clients see its announced end and nothing else', () => {
  const met = (more: Partial<StopFigures>) => judgeStop([orderly, { ...orderly, ...more }]).map(it => it.met);
  assert.deepEqual(met({}), [true, true]);
  assert.deepEqual(met({ longestWaitMs: 1_501 }), [false, true]);
  assert.deepEqual(met({ refusals: 1 }), [true, false]);
  assert.deepEqual(met({ timeouts: 1 }), [true, false]);
  assert.deepEqual(met({ there: { [ENDINGS.toldToGo]: 9, 'closed without a word': 1 } }), [true, false]);
  assert.deepEqual(met({ elsewhere: { [ENDINGS.stayed]: 19, [ENDINGS.toldToGo]: 1 } }), [true, false]);
});

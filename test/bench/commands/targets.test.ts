import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallFigures, CommandsRound } from '../../../bench/commands/round.ts';
import { judgeCommands, overReference } from '../../../bench/commands/targets.ts';

const latency = (p50: number) => ({ count: 1, p50, p90: p50, p99: p50, p999: p50, max: p50 });
const calls = (p50: number, count: number, errors = {}): CallFigures => ({
  ...{ count, errors, activeSeconds: 2, latency: latency(p50) },
  cpuSeconds: { skein: 1, postgres: 1, devices: 1, callers: 1 },
});
const round = (byUnderWay: Record<string, CallFigures>, referenceP50 = 3): CommandsRound => ({
  reference: { ...calls(referenceP50, 10), pong: latency(1), commit: latency(1) },
  ...{ calls: byUnderWay, reads: calls(1, 10), answered: 10, stored: 10 },
});
const verdicts = (...rounds: CommandsRound[]) => judgeCommands(rounds).map(it => it.met);

test('one command is compared with the reference of its own round', () => {
  const rounds = [round({ '1': calls(4, 10) }, 3), round({ '1': calls(9, 10) }, 8), round({ '1': calls(9, 10) }, 3)];
  assert.deepEqual(overReference(rounds), { min: 1, median: 1, max: 6 });
  assert.deepEqual(verdicts(...rounds), [true]);
  assert.deepEqual(verdicts(round({ '1': calls(5.1, 10) }, 3)), [false]);
});

test('the rate is the better one of those with many under way', () => {
  assert.deepEqual(verdicts(round({ '32': calls(9, 3_000), '256': calls(9, 4_000) })), [true]);
  assert.deepEqual(verdicts(round({ '32': calls(9, 3_998), '256': calls(9, 3_000) })), [false]);
  assert.deepEqual(
    verdicts(round({ '1': calls(4, 9_000), '2': calls(4, 9_000) })),
    [true],
    'few under way have no rate',
  );
});

test('with errors nothing is met, and nothing is missed', () => {
  assert.deepEqual(verdicts(round({ '1': calls(1, 9_000), '32': calls(1, 9_000, { '503 overloaded': 1 }) })), [
    undefined,
    undefined,
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planCommands } from '../../../../bench/commands/returns/command-plan.ts';

test('the most urgent ranks first, and of equally urgent ones the oldest', () => {
  assert.deepEqual(planCommands(5), [
    { priority: 'low', rank: 4 },
    { priority: 'normal', rank: 2 },
    { priority: 'critical', rank: 0 },
    { priority: 'high', rank: 1 },
    { priority: 'normal', rank: 3 },
  ]);
});

test('each command has a rank of its own, and neither age nor its opposite is the order', () => {
  const ranks = planCommands(10).map(it => it.rank);
  const ages = [...ranks.keys()];
  assert.deepEqual(ranks.toSorted(), ages);
  assert.notDeepEqual(ranks, ages);
  assert.notDeepEqual(ranks, ages.toReversed());
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf, QUIET } from './plan.ts';
import { simulate } from './run.ts';
import { shrink } from './shrink.ts';

const SEEDS = 300;

test(`every promise is kept in ${SEEDS} worlds in which everything goes wrong that can`, async () => {
  const broken: string[] = [];
  let messages = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations, events } = await simulate(seed);
    messages += events;
    for (const { invariant, what } of violations) broken.push(`seed ${seed}: ${invariant}: ${what}`);
  }
  assert.deepEqual(broken, []);
  // A world in which nothing happens keeps every promise too.
  assert.ok(messages > 50 * SEEDS, `only ${messages} events`);
});

test('the same seed gives the same world again, another seed another one', async () => {
  for (const seed of [11, 12, 13]) assert.equal((await simulate(seed)).hash, (await simulate(seed)).hash);
  const hashes = await Promise.all([11, 12, 13].map(seed => simulate(seed)));
  assert.equal(new Set(hashes.map(it => it.hash)).size, 3);
});

test('a plan that fails is made smaller until nothing can be left out', async () => {
  const plan = planOf(4);
  const isKill = (fault: { kind: string }) => fault.kind === 'kill';
  assert.ok(plan.faults.some(isKill) && plan.faults.length > 1);
  const smaller = await shrink(plan, async it => it.faults.some(isKill));
  assert.equal(smaller.faults.length, 1);
  assert.deepEqual(smaller.noise, QUIET);
  assert.deepEqual(
    smaller.devices.map(it => it.messages),
    plan.devices.map(() => 0),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areAllOwned, countMoved, countShards, followOwners, isBalanced } from '../../../bench/cluster/shard-owners.ts';
import { SHARDS } from '../../../contracts/addresses.ts';

/** Shards dealt out to the nodes by turns. */
const dealt = (...nodes: (string | null)[]) => Array.from({ length: SHARDS }, (_, i) => nodes[i % nodes.length]!);

/** A connection whose answers are these, and then the last one for ever. */
function answering(...answers: (readonly (string | null)[])[]) {
  let next = 0;
  return {
    query: async () => answers[Math.min(next++, answers.length - 1)]!.map(owner => ({ owner })),
    close: async () => {},
  };
}

test('shards are owned when each has an owner, and all are there', () => {
  assert.ok(areAllOwned(dealt('a', 'b')));
  assert.ok(!areAllOwned([...dealt('a').slice(1), null]));
  assert.ok(!areAllOwned([]));
});

test('shards are balanced when the nodes asked for, and no others, have about the same', () => {
  assert.ok(isBalanced(dealt('a', 'b', 'c'), ['a', 'b', 'c']));
  assert.ok(!isBalanced(dealt('a', 'b', 'c'), ['a', 'b']));
  assert.ok(!isBalanced(dealt('a', 'b'), ['a', 'b', 'c']));
  assert.ok(!isBalanced(dealt('a', 'a', 'b'), ['a', 'b']));
  assert.ok(!isBalanced(dealt('a', 'b', null), ['a', 'b']));
});

test('what has no owner counts for nobody, and as moved when it had one', () => {
  assert.deepEqual([...countShards(dealt('a', 'b', null, 'a'))].sort(), [
    ['a', SHARDS / 2],
    ['b', SHARDS / 4],
  ]);
  assert.equal(countMoved(dealt('a', 'b', null, 'a'), dealt('a', null, null, 'b')), SHARDS / 2);
  assert.equal(countMoved(dealt('a', 'b'), dealt('a', 'b')), 0);
});

test('owners are followed until they are as wanted, and only changes are told', async () => {
  const [first, second] = [dealt('a'), dealt('a', 'b')];
  const database = answering(first, first, second);
  const changes = await followOwners(database, owners => owners.includes('b'), 10_000);
  assert.deepEqual(
    changes.map(it => it.owners),
    [first, second],
  );
  assert.ok(changes[0]!.atMs < changes[1]!.atMs);
});

test('owners that never become as wanted are an error that says who has what', async () => {
  await assert.rejects(
    followOwners(answering(dealt('a', 'b')), () => false, 60),
    /did not settle.*a has 128, b has 128/,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VerifiedKeys } from '../../../adapters/access/verified-keys.ts';

type Kept = { readonly id: number; readonly owners: readonly string[]; readonly expiresAtMs: number | undefined };
const kept = (id: number, owner: string, expiresAtMs?: number): Kept => ({ id, owners: [owner], expiresAtMs });

const made = (entries = 10, seconds = 30) => {
  const clock = { ms: 1_000_000, now: () => clock.ms };
  return { clock, keys: new VerifiedKeys<Kept>(entries, seconds, clock, clock) };
};

test('a key is remembered for its time and not longer', () => {
  const { clock, keys } = made();
  keys.keep('key', kept(1, 'owner'), keys.checkStarts());
  clock.ms += 29_999;
  assert.equal(keys.get('key')?.id, 1);
  clock.ms += 2;
  assert.equal(keys.get('key'), undefined);
});

test('forgetting an owner forgets all of its keys and no others', () => {
  const { keys } = made();
  for (const [key, owner] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b'],
  ] as const)
    keys.keep(key, kept(1, owner), keys.checkStarts());
  keys.forget('a');
  assert.deepEqual(
    ['a1', 'a2', 'b1'].map(key => keys.get(key) !== undefined),
    [false, false, true],
  );
});

test('a check that began before a revocation is not remembered, one that began after it is', () => {
  const { keys } = made();
  const before = keys.checkStarts();
  keys.forget('owner');
  keys.keep('key', kept(1, 'owner'), before);
  assert.equal(keys.get('key'), undefined);
  keys.keep('key', kept(1, 'owner'), keys.checkStarts());
  assert.equal(keys.get('key')?.id, 1);
});

test('beyond its entries the least recently used is forgotten, and its owner with it', () => {
  const { keys } = made(2);
  for (const key of ['a', 'b', 'c']) keys.keep(key, kept(1, key), keys.checkStarts());
  assert.equal(keys.size, 2);
  assert.equal(keys.get('a'), undefined);
  keys.keep('a', kept(2, 'a'), keys.checkStarts());
  keys.forget('a');
  assert.equal(keys.get('a'), undefined);
});

test('a credential is not remembered beyond its own end, and one that has ended not at all', () => {
  const { clock, keys } = made();
  keys.keep('short', kept(1, 'owner', clock.ms + 10_000), keys.checkStarts());
  keys.keep('over', kept(1, 'owner', clock.ms), keys.checkStarts());
  assert.equal(keys.get('over'), undefined);
  clock.ms += 9_999;
  assert.equal(keys.get('short')?.id, 1);
  clock.ms += 2;
  assert.equal(keys.get('short'), undefined);
});

test('each of its owners ends a credential', () => {
  for (const owner of ['itself', 'tenant']) {
    const { keys } = made();
    keys.keep('key', { id: 1, owners: ['itself', 'tenant'], expiresAtMs: undefined }, keys.checkStarts());
    keys.forget(owner);
    assert.equal(keys.get('key'), undefined, owner);
  }
});

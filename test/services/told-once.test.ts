import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revocation } from '../../contracts/access.contract.ts';
import { ToldOnce } from '../../services/mqtt/told-once.ts';

const one: Revocation = { kind: 'device', tenant: 'default', subject: 'd1' };
const other: Revocation = { ...one, subject: 'd2' };

test('of a message and its row the first counts, whichever that is', () => {
  const told = new ToldOnce(10, 60);
  assert.deepEqual([told.byBus(one), told.byTable(one)], [true, false]);
  assert.deepEqual([told.byTable(one), told.byBus(one)], [true, false]);
  assert.equal(told.byBus(other), true);
});

test('each revocation counts once, though messages are lost', () => {
  const told = new ToldOnce(10, 60);
  assert.deepEqual([told.byTable(one), told.byTable(one)], [true, true]);
  // The message of a third one comes first and is taken for that of an earlier one; its row is not.
  assert.deepEqual([told.byBus(one), told.byTable(one)], [false, true]);
});

test('two at once are two', () => {
  const told = new ToldOnce(10, 60);
  assert.deepEqual([told.byBus(one), told.byBus(one)], [true, true]);
  assert.deepEqual([told.byTable(one), told.byTable(one), told.byTable(one)], [false, false, true]);
});

test('what was heard too long ago stands for nothing', async () => {
  const told = new ToldOnce(10, 0.02);
  assert.equal(told.byBus(one), true);
  const endMs = performance.now() + 60;
  while (performance.now() < endMs) await new Promise(setImmediate);
  assert.equal(told.byTable(one), true);
});

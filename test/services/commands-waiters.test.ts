import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandRecord } from '../../contracts/commands.ts';
import { Waiters } from '../../mixins/waiters.ts';

const ended = (id: string) => ({ id, state: 'succeeded' }) as CommandRecord;
const LONG_MS = 600_000;

test('all who wait for a command are told of it, and nobody else', async () => {
  const waiters = new Waiters(10);
  const [a1, a2, b] = ['a', 'a', 'b'].map(id => waiters.wait(1, id, LONG_MS));
  waiters.tell([ended('a'), ended('nobody')]);
  assert.deepEqual([(await a1!.ended)?.id, (await a2!.ended)?.id, waiters.size], ['a', 'a', 1]);
  b!.cancel();
  assert.deepEqual([await b!.ended, waiters.size], [undefined, 0]);
});

test('whoever was told, or waited long enough, waits no more', async () => {
  const waiters = new Waiters(10);
  const told = waiters.wait(1, 'a', LONG_MS);
  const late = waiters.wait(1, 'a', 1);
  assert.equal(await late.ended, undefined);
  assert.equal(waiters.size, 1);
  waiters.tell([ended('a')]);
  told.cancel();
  late.cancel();
  waiters.tell([ended('a')]);
  assert.deepEqual([(await told.ended)?.id, waiters.size], ['a', 0]);
});

test('no more may wait than the limit says, and a place that is free again is taken', () => {
  const waiters = new Waiters(4);
  for (const tenantId of [2, 3]) waiters.wait(tenantId, 'a', LONG_MS);
  const [first] = [waiters.wait(1, 'a', LONG_MS), waiters.wait(1, 'a', LONG_MS)];
  assert.throws(() => waiters.wait(1, 'b', LONG_MS), { type: 'overloaded' });
  first.cancel();
  waiters.wait(1, 'b', LONG_MS);
  assert.equal(waiters.size, 4);
  waiters.close();
  assert.equal(waiters.size, 0);
});

test('one tenant gets half of the places, and others the rest', () => {
  const waiters = new Waiters(4);
  const [first] = [waiters.wait(1, 'a', LONG_MS), waiters.wait(1, 'b', LONG_MS)];
  assert.throws(() => waiters.wait(1, 'c', LONG_MS), { type: 'overloaded' });
  waiters.wait(2, 'd', LONG_MS);
  first.cancel();
  waiters.wait(1, 'c', LONG_MS);
  assert.equal(waiters.size, 3);
  waiters.close();
});

test('who comes after the end does not wait', async () => {
  const waiters = new Waiters(4);
  waiters.close();
  assert.equal(await waiters.wait(1, 'a', LONG_MS).ended, undefined);
  assert.equal(waiters.size, 0);
});

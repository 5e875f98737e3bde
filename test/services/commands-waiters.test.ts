import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandRecord } from '../../contracts/commands.ts';
import { Waiters } from '../../mixins/waiters.ts';

const ended = (id: string) => ({ id, state: 'succeeded' }) as CommandRecord;
const LONG_MS = 600_000;

test('all who wait for a command are told of it, and nobody else', async () => {
  const waiters = new Waiters(10);
  const [a1, a2, b] = ['a', 'a', 'b'].map(id => waiters.wait(id, LONG_MS));
  waiters.tell([ended('a'), ended('nobody')]);
  assert.deepEqual([(await a1!.ended)?.id, (await a2!.ended)?.id, waiters.size], ['a', 'a', 1]);
  b!.cancel();
  assert.deepEqual([await b!.ended, waiters.size], [undefined, 0]);
});

test('whoever was told, or waited long enough, waits no more', async () => {
  const waiters = new Waiters(10);
  const told = waiters.wait('a', LONG_MS);
  const late = waiters.wait('a', 1);
  assert.equal(await late.ended, undefined);
  assert.equal(waiters.size, 1);
  waiters.tell([ended('a')]);
  told.cancel();
  late.cancel();
  waiters.tell([ended('a')]);
  assert.deepEqual([(await told.ended)?.id, waiters.size], ['a', 0]);
});

test('no more may wait than the limit says, and a place that is free again is taken', () => {
  const waiters = new Waiters(2);
  const [first] = [waiters.wait('a', LONG_MS), waiters.wait('a', LONG_MS)];
  assert.throws(() => waiters.wait('b', LONG_MS), { type: 'overloaded' });
  first.cancel();
  waiters.wait('b', LONG_MS);
  assert.equal(waiters.size, 2);
  waiters.close();
  assert.equal(waiters.size, 0);
});

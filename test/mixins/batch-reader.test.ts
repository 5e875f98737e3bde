import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchReader } from '../../mixins/batch-reader.ts';

const made = (
  options: {
    waitingMaxKeys?: number;
    batchMaxKeys?: number;
    fail?: (keys: readonly string[]) => boolean;
    nowMs?: () => number;
  } = {},
) => {
  const batches: string[][] = [];
  const held: (() => void)[] = [];
  const reader = new BatchReader<string, string>({
    nameOf: key => key,
    batchMaxKeys: options.batchMaxKeys ?? 100,
    waitingMaxKeys: options.waitingMaxKeys ?? 1_000,
    queriesUnderWay: 1,
    ...(options.nowMs && { nowMs: options.nowMs }),
    read: async keys => {
      batches.push([...keys]);
      await new Promise<void>(resolve => held.push(resolve));
      if (options.fail?.(keys)) throw new Error('no');
      return new Map(keys.filter(key => key !== 'unknown').map(key => [key, key.toUpperCase()]));
    },
  });
  const release = async () => {
    while (held.length === 0) await new Promise(resolve => setImmediate(resolve));
    held.shift()!();
  };
  return { reader, batches, release };
};

test('keys that come while a query is under way go out together, each once', async () => {
  const { reader, batches, release } = made();
  const first = reader.load('a');
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  const rest = Promise.all(['b', 'c', 'b', 'unknown'].map(key => reader.load(key)));
  await release();
  await release();
  assert.equal(await first, 'A');
  assert.deepEqual(await rest, ['B', 'C', 'B', undefined]);
  assert.deepEqual(batches, [['a'], ['b', 'c', 'unknown']]);
});

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve));
};

test('while most of those that were answered last have not asked again, it is waited for them for a moment, and no longer', async () => {
  let nowMs = 0;
  const { reader, batches, release } = made({ nowMs: () => nowMs });
  const first = Promise.all(['a', 'b', 'c', 'd'].map(key => reader.load(key)));
  await release();
  await first;
  const early = reader.load('e');
  await turns(10);
  assert.equal(batches.length, 1, 'the others may be about to ask');
  const others = Promise.all(['f', 'g'].map(key => reader.load(key)));
  await release();
  await Promise.all([early, others]);
  assert.deepEqual(batches[1], ['e', 'f', 'g']);
  const alone = reader.load('h');
  await turns(10);
  assert.equal(batches.length, 2);
  nowMs = 2;
  await release();
  assert.equal(await alone, 'H');
  const next = reader.load('i');
  await release();
  assert.equal(await next, 'I', 'who asks alone does not wait, since the last one was alone too');
});

test('a key that is asked for after its query began gets a query of its own, so it never sees an older row', async () => {
  const { reader, batches, release } = made();
  const before = reader.load('a');
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  const after = reader.load('a');
  await release();
  await release();
  await Promise.all([before, after]);
  assert.deepEqual(batches, [['a'], ['a']]);
});

test('a batch has a limit, and what does not fit goes next', async () => {
  const { reader, batches, release } = made({ batchMaxKeys: 2 });
  const all = Promise.all(['a', 'b', 'c'].map(key => reader.load(key)));
  await release();
  await release();
  assert.deepEqual(await all, ['A', 'B', 'C']);
  assert.deepEqual(batches, [['a', 'b'], ['c']]);
});

test('beyond its limit of waiting keys the sender is refused, and the others are answered', async () => {
  const { reader, release } = made({ waitingMaxKeys: 2 });
  const taken = Promise.all([reader.load('a'), reader.load('b')]);
  await assert.rejects(reader.load('c'), { type: 'overloaded' });
  await release();
  assert.deepEqual(await taken, ['A', 'B']);
});

test('a failed query fails its own batch only', async () => {
  const { reader, release } = made({ batchMaxKeys: 1, fail: keys => keys.includes('bad') });
  const bad = assert.rejects(reader.load('bad'), { message: 'no' });
  const good = reader.load('good');
  await release();
  await release();
  await bad;
  assert.equal(await good, 'GOOD');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneByOne } from '../../services/commands/one-by-one.ts';

test('what has the same name is done one after the other, whatever becomes of each; everything else at once', async () => {
  const line = new OneByOne();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const runs = [
    line.run('a', async () => {
      seen.push('a1 begins');
      await first.promise;
      seen.push('a1 ends');
      throw new Error('a1');
    }),
    line.run('a', async () => void seen.push('a2')),
    line.run('b', async () => void seen.push('b1')),
  ];
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(seen, ['a1 begins', 'b1']);
  first.resolve();
  const outcomes = await Promise.allSettled(runs);
  assert.deepEqual(seen, ['a1 begins', 'b1', 'a1 ends', 'a2']);
  assert.deepEqual(
    outcomes.map(it => it.status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
});

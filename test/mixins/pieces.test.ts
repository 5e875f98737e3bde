import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../adapters/database/database.ts';
import { type Pieces, readPieces } from '../../mixins/pieces.ts';

const database = () => ({}) as Database;
const limits = { pageMaxBytes: 100, listsUnderWay: 2, listsWaiting: 1 };

/** Rows are their sizes. */
function source(
  rows: readonly number[],
  rowMaxBytes: number,
): Pieces<{ at: number; bytes: number }> & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    rowMaxBytes,
    bytesOf: row => row.bytes,
    read: async (last, limit) => {
      asked.push(limit);
      const from = last === undefined ? 0 : last.at + 1;
      return { rows: rows.slice(from, from + limit).map((bytes, i) => ({ at: from + i, bytes })) };
    },
  };
}
const shown = async (rows: readonly number[], size: number, rowMaxBytes = 100) => {
  const from = source(rows, rowMaxBytes);
  const page = await readPieces(database(), limits, size, from);
  return { items: page.size, beyond: page.rows.length > page.size, asked: from.asked };
};

test('a page ends before its items are too large together', async () => {
  assert.deepEqual(await shown([40, 40, 40, 40], 3), { items: 2, beyond: true, asked: [4] });
  assert.deepEqual(await shown([40, 40], 3), { items: 3, beyond: false, asked: [4] });
});

test('a page has at least one item, however large it is', async () => {
  assert.deepEqual(await shown([500, 1], 3), { items: 1, beyond: true, asked: [4] });
  assert.deepEqual(await shown([500], 3), { items: 3, beyond: false, asked: [4] });
});

test('small items fill the page in pieces, of which none can be large', async () => {
  const ones = Array.from({ length: 20 }, () => 1);
  assert.deepEqual(await shown(ones, 9), { items: 9, beyond: true, asked: [4, 4, 2] });
  assert.deepEqual(await shown(ones.slice(0, 9), 9), { items: 9, beyond: false, asked: [4, 4, 2] });
  assert.deepEqual(
    (await shown(ones, 9, 1_000)).asked,
    Array.from({ length: 10 }, () => 1),
  );
});

test('few pages are read at once, few wait for their turn, and a failure gives its turn on', async () => {
  const one = database();
  let under = 0;
  const gate = Promise.withResolvers<void>();
  const slow = {
    ...source([1], 100),
    read: async () => {
      under++;
      await gate.promise;
      throw new Error('broken');
    },
  };
  const reading = [1, 2, 3].map(() => readPieces(one, limits, 1, slow));
  assert.equal(under, 2);
  await assert.rejects(readPieces(one, limits, 1, slow), { type: 'overloaded' });
  gate.resolve();
  for (const it of await Promise.allSettled(reading)) assert.equal(it.status, 'rejected');
  assert.equal(under, 3);
  assert.equal((await readPieces(one, limits, 1, source([1], 100))).rows.length, 1);
});

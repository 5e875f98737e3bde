/** What every store of blobs does. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { BlobStore } from '../../../contracts/blobs.ts';
import { inChunks, keysOf, kind, type OpenStore, PART_BYTES, STORES, someBytes, textBody, wholeOf } from './stores.ts';

for (const [name, open] of Object.entries(STORES))
  describe(name, () => {
    let opened: OpenStore;
    let store: BlobStore;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    after(() => opened.stop());
    afterEach(async () => {
      for (const key of await keysOf(store)) await store.remove(key);
    });

    test('what was put is there, whole, of any size and in any chunks', async () => {
      for (const bytes of [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 5 * PART_BYTES + 4_711])
        for (const chunkBytes of [1_000, PART_BYTES, 3 * PART_BYTES]) {
          const content = someBytes(bytes);
          assert.deepEqual(await store.put('tenant=1/2026-01.parquet', inChunks(content, chunkBytes)), { bytes });
          assert.equal(await store.size('tenant=1/2026-01.parquet'), bytes);
          assert.ok(
            content.equals(await wholeOf(await store.get('tenant=1/2026-01.parquet'))),
            `${bytes}/${chunkBytes}`,
          );
        }
    });

    test('a part of it is what `slice` would take', async () => {
      const content = someBytes(1_000);
      await store.put('a/part', inChunks(content, 300));
      for (const [start, end] of [
        [0, 1],
        [0, 1_000],
        [10, 20],
        [999, 1_000],
        [990, 5_000],
        [1_000, 1_010],
        [5_000, 5_001],
        [7, 7],
        [0, 0],
      ] as const) {
        assert.deepEqual(Buffer.from(await store.read('a/part', start, end)), content.subarray(start, end));
        assert.deepEqual(await wholeOf(await store.get('a/part', { start, end })), content.subarray(start, end));
      }
      for (const [start, end] of [
        [-1, 2],
        [3, 2],
        [0.5, 2],
        [0, Number.NaN],
      ] as const)
        await assert.rejects(store.read('a/part', start, end), RangeError);
    });

    test('what is not there is said to be not there', async () => {
      assert.equal(await store.size('a/none'), undefined);
      await assert.rejects(store.get('a/none'), kind('not_found'));
      await assert.rejects(store.get('a/none', { start: 3, end: 3 }), kind('not_found'));
      await assert.rejects(store.read('a/none', 0, 10), kind('not_found'));
      await store.remove('a/none');
      await store.put('a/file', textBody('here'));
      await assert.rejects(store.get('a/file/below'), kind('not_found'));
      await assert.rejects(store.get('a'), kind('not_found'));
      assert.equal(await store.size('a'), undefined);
    });

    test('it is replaced as a whole, and gone when it was removed', async () => {
      await store.put('a/x', textBody('the first, which is longer'));
      await store.put('a/x', textBody('the second'));
      assert.equal((await wholeOf(await store.get('a/x'))).toString(), 'the second');
      await store.remove('a/x');
      assert.equal(await store.size('a/x'), undefined);
      assert.deepEqual(await keysOf(store), []);
    });

    test('nothing is seen of a blob before it is complete', async () => {
      for (const first of [10, 3 * PART_BYTES]) {
        async function* body() {
          yield someBytes(first);
          assert.equal(await store.size('slow'), undefined);
          assert.deepEqual(await keysOf(store), []);
          yield someBytes(10);
        }
        await store.put('slow', body());
        assert.equal(await store.size('slow'), first + 10);
        await store.remove('slow');
      }
    });

    test('of a body that fails half-way nothing is stored, what was there stays, and its error comes out', async () => {
      await store.put('b/y', textBody('as before'));
      const error = new Error('the source broke');
      for (const first of [10, 3 * PART_BYTES])
        for (const key of ['b/y', 'b/z']) {
          async function* body() {
            yield someBytes(first);
            throw error;
          }
          await assert.rejects(store.put(key, body()), it => it === error);
        }
      assert.deepEqual(await keysOf(store), ['b/y']);
      assert.equal((await wholeOf(await store.get('b/y'))).toString(), 'as before');
    });

    test('many at once under one key: one of them is there, whole', async () => {
      await Promise.all(
        Array.from({ length: 8 }, (_, n) => store.put('c/same', inChunks(Buffer.alloc(3_000, n), 100))),
      );
      const stored = await wholeOf(await store.get('c/same'));
      assert.equal(stored.length, 3_000);
      assert.equal(new Set(stored).size, 1);
    });

    test('a list has all whose key begins so, in the order of the keys', async () => {
      const keys = ['a-b', 'a.b', 'a/1', 'a/2/x', 'a/2.x', 'a0', 'ab/c', 'b', 'tenant=1/z', 'tenant=10/z'];
      for (const key of keys.toReversed()) await store.put(key, textBody(key));
      assert.deepEqual(await keysOf(store), keys.toSorted());
      assert.deepEqual(await Array.fromAsync(store.list('a/')), [
        { key: 'a/1', bytes: 3 },
        { key: 'a/2.x', bytes: 5 },
        { key: 'a/2/x', bytes: 5 },
      ]);
      assert.deepEqual(await keysOf(store, 'a/2'), ['a/2.x', 'a/2/x']);
      assert.deepEqual(await keysOf(store, 'tenant=1'), ['tenant=1/z', 'tenant=10/z']);
      assert.deepEqual(await keysOf(store, 'tenant=1/'), ['tenant=1/z']);
      assert.deepEqual(await keysOf(store, 'none/'), []);
    });

    test('a reader that has enough, or never begins, leaves nothing open', async () => {
      await store.put('e', inChunks(someBytes(2_000_000), 100_000));
      for await (const chunk of await store.get('e')) {
        assert.ok(chunk.byteLength > 0);
        break;
      }
      await store.get('e');
      assert.equal((await store.read('e', 5, 10)).byteLength, 5);
    });

    test('a key that leads elsewhere, or is none, is refused by everything', async () => {
      const wrong = [
        '',
        '/',
        '/a',
        'a/',
        'a//b',
        '..',
        '../a',
        'a/../b',
        'a..b',
        '.',
        './a',
        'a/.',
        'A',
        'ä',
        'a b',
        'a\\b',
      ];
      for (const key of [...wrong, 'a%2fb', 'a\0', 'a?b', 'a#b', 'a\n', '~drafts', 'a'.repeat(129), 'a/'.repeat(300)]) {
        const works: (() => Promise<unknown>)[] = [
          () => store.put(key, textBody('x')),
          () => store.get(key),
          () => store.read(key, 0, 1),
          () => store.size(key),
          () => store.remove(key),
        ];
        for (const work of works) await assert.rejects(work, kind('failed'), `${JSON.stringify(key)} ${work}`);
      }
      for (const prefix of ['..', '../', 'a/../', '/', 'A', '~', 'a b'])
        await assert.rejects(keysOf(store, prefix), kind('failed'), prefix);
    });
  });

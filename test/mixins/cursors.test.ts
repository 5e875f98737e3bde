import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cursorOf,
  NUMBER_POSITION,
  pageOf,
  pageSize,
  positionOf,
  TEXT_POSITION,
  TIME_UUID_POSITION,
  TRANSACTION_POSITION,
  UUID_POSITION,
} from '../../mixins/cursors.ts';

const list = ['devices', 1, undefined, 'active'];

test('a cursor gives back its position, for its own list', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer(), fc.string({ maxLength: 40 })), { maxLength: 3 }), position => {
      assert.deepEqual(positionOf(list, cursorOf(list, position)), position);
    }),
  );
  assert.equal(positionOf(list, undefined), undefined);
});

test('a cursor with any character changed, removed or added is refused', () => {
  const cursor = cursorOf(list, ['device-0042']);
  assert.deepEqual(positionOf(list, cursor), ['device-0042']);
  for (let i = 0; i < cursor.length; i++) {
    const other = cursor[i] === 'A' ? 'B' : 'A';
    for (const changed of [other, '', `${other}${cursor[i]}`, '!'])
      assert.throws(() => positionOf(list, cursor.slice(0, i) + changed + cursor.slice(i + 1)), {
        type: 'invalid_request',
      });
  }
  for (const never of ['', 'x', 'null', `${cursor}=`, `${cursor}\n`, 'A'.repeat(100_000)])
    assert.throws(() => positionOf(list, never), { type: 'invalid_request' });
});

test('a cursor of another list, tenant or filter is refused', () => {
  const cursor = cursorOf(list, ['a']);
  for (const other of [
    ['dead-letters', 1, undefined, 'active'],
    ['devices', 2, undefined, 'active'],
    ['devices', 1, 'sensor', 'active'],
  ])
    assert.throws(() => positionOf(other, cursor), { type: 'invalid_request' });
});

test('a page shows its size, and has a cursor only when there is more', () => {
  const page = (rows: number[]) =>
    pageOf(
      list,
      rows,
      2,
      row => row * 10,
      row => [row],
    );
  assert.deepEqual(page([]), { items: [], nextCursor: null });
  assert.deepEqual(page([1, 2]), { items: [10, 20], nextCursor: null });
  const more = page([1, 2, 3]);
  assert.deepEqual(more.items, [10, 20]);
  assert.deepEqual(positionOf(list, more.nextCursor!), [2]);
});

test('the size of a page lies within its limits', () => {
  const limits = { listDefaultItems: 50, listMaxItems: 1_000 };
  assert.deepEqual(
    [undefined, 1, 1_000].map(limit => pageSize(limit, limits)),
    [50, 1, 1_000],
  );
  for (const limit of [0, -1, 1_001]) assert.throws(() => pageSize(limit, limits), { type: 'invalid_request' });
});

test('a cursor with the right checksum and no position of its list is refused', () => {
  const id = '01900000-0000-7000-8000-0000000000af';
  const shapes = [
    [TEXT_POSITION, ['a'], [[], [1], ['a\0'], ['\ud800'], ['a', 'b'], [null]]],
    [NUMBER_POSITION, [7], [[], ['7'], [1.5], [1e300], [null]]],
    [UUID_POSITION, [id], [[], ['x'], [`${id} `], [id.toUpperCase()], [7]]],
    [TIME_UUID_POSITION, [1_700_000_000_000_000, id], [[id, 1], [1, 'x'], [1e16, id], [1]]],
    [
      TRANSACTION_POSITION,
      ['18446744073709551615', 7],
      [
        ['18446744073709551616', 7],
        ['-1', 7],
        ['a', 7],
        ['1', '7'],
        [1, 7],
      ],
    ],
  ] as const;
  for (const [shape, right, wrongs] of shapes) {
    assert.deepEqual(positionOf(list, cursorOf(list, right), shape), right);
    for (const wrong of wrongs)
      assert.throws(() => positionOf(list, cursorOf(list, wrong as never), shape), { type: 'invalid_request' });
  }
  for (const notAList of [null, 7, { a: 1 }, [null], [{ a: 1 }], ['\0']])
    assert.throws(() => positionOf(list, cursorOf(list, notAList as never)), { type: 'invalid_request' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IncomingStream } from '../../../../../adapters/protocols/mqtt/nodes/incoming-stream.ts';
import type { StreamHead } from '../../../../../contracts/mqtt.contract.ts';

const head = (more: Partial<StreamHead> = {}): StreamHead => ({
  stream: 10,
  whole: true,
  oldest: 0,
  lost: [],
  ...more,
});

test('batches are taken in their order, each once', () => {
  const stream = new IncomingStream();
  assert.deepEqual(stream.heard(head()), []);
  assert.deepEqual(
    [0, 2, 1, 1, 2, 3].map(sequence => stream.take(head(), sequence)),
    [true, false, true, false, true, true],
  );
  assert.equal(stream.next, 4);
});

test('a gap is noticed: with the tenants that the sender names, or else it concerns all', () => {
  const stream = new IncomingStream();
  stream.heard(head());
  stream.take(head(), 0);
  assert.deepEqual(stream.heard(head({ oldest: 1 })), []);
  assert.deepEqual(stream.heard(head({ oldest: 3, lost: [['a', 1]] })), ['a']);
  assert.equal(stream.next, 3);
  assert.deepEqual(stream.heard(head({ oldest: 5, lost: [['a', 1]] })), 'all');
});

test('a loss is told once, however often it is heard; a new one of the same tenant is told again', () => {
  const stream = new IncomingStream();
  stream.heard(head());
  assert.deepEqual(
    stream.heard(
      head({
        lost: [
          ['a', 1],
          ['b', 2],
        ],
      }),
    ),
    ['a', 'b'],
  );
  assert.deepEqual(
    stream.heard(
      head({
        lost: [
          ['a', 1],
          ['b', 2],
        ],
      }),
    ),
    [],
  );
  assert.deepEqual(
    stream.heard(
      head({
        lost: [
          ['b', 2],
          ['a', 3],
        ],
      }),
    ),
    ['a'],
  );
});

test('only a stream that began before its node listened, and is heard from its beginning, is complete', () => {
  for (const [more, missed] of [
    [{}, []],
    [{ whole: false }, 'all'],
    [{ oldest: 1 }, 'all'],
    [{ lost: [['a', 1]] }, 'all'],
  ] as const)
    assert.deepEqual(new IncomingStream().heard(head(more)), missed);
});

test('a stream that takes the place of one that did not end well concerns all', () => {
  const stream = new IncomingStream();
  stream.heard(head());
  assert.deepEqual(stream.heard(head({ stream: 11 })), 'all');
  stream.ended();
  assert.deepEqual(stream.heard(head({ stream: 12 })), []);
});

test('what comes late from an older stream changes nothing, and its batches are not taken', () => {
  const stream = new IncomingStream();
  stream.heard(head({ stream: 11 }));
  assert.deepEqual(stream.heard(head({ stream: 10, oldest: 50, lost: [['a', 1]] })), []);
  assert.equal(stream.take(head({ stream: 10 }), 0), false);
  assert.equal(stream.take(head({ stream: 11 }), 0), true);
});

test('a node that is gone without a word may have had something for all; one that said bye had not', () => {
  const stream = new IncomingStream();
  assert.deepEqual(stream.lost(), []);
  stream.heard(head());
  assert.deepEqual(stream.lost(), 'all');
  assert.deepEqual(stream.lost(), []);
  stream.heard(head({ stream: 12 }));
  stream.ended();
  assert.deepEqual(stream.lost(), []);
});

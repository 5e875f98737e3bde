import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { AnswerStreams } from '../../services/gateway/answer-streams.ts';

test('so many streamed answers are under way, and one more is refused and closed', async () => {
  const streams = new AnswerStreams(2);
  const bodies = [Readable.from(['a']), Readable.from(['b']), Readable.from(['c'])] as const;
  streams.take(bodies[0]);
  streams.take(bodies[1]);
  assert.throws(() => streams.take(bodies[2]), { type: 'overloaded' });
  assert.equal(bodies[2].destroyed, true);
  assert.equal(streams.underWay, 2);
});

test('one that has ended, or whose client has gone, makes room', async () => {
  const streams = new AnswerStreams(1);
  const read = Readable.from(['a']);
  streams.take(read);
  const closed = once(read, 'close');
  assert.deepEqual(await read.toArray(), ['a']);
  await closed;
  const cut = Readable.from(['b']);
  streams.take(cut);
  cut.destroy();
  await once(cut, 'close');
  streams.take(Readable.from(['c']));
  assert.equal(streams.underWay, 1);
});

test('an answer that comes as a whole is not counted', () => {
  const streams = new AnswerStreams(0);
  for (const body of [undefined, 'text', { items: [] }, new Uint8Array()]) streams.take(body);
});

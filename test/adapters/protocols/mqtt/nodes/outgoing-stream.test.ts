import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noFigures } from '../../../../../adapters/protocols/mqtt/figures.ts';
import { IncomingStream } from '../../../../../adapters/protocols/mqtt/nodes/incoming-stream.ts';
import { type Batch, OutgoingStream } from '../../../../../adapters/protocols/mqtt/nodes/outgoing-stream.ts';
import type { StreamHead } from '../../../../../contracts/mqtt.contract.ts';
import { ManualTime } from '../../../../actors/runtime/manual-time.ts';

const LIMITS = { queueMaxBytes: 100_000, batchMaxMessages: 10, batchMaxBytes: 50_000, batchesUnderWay: 3 };

/** A stream and its receiver; `fate` says of each call whether it arrives, and whether its answer does. */
function start(limits: Partial<typeof LIMITS> = {}) {
  const time = new ManualTime();
  const figures = noFigures();
  const incoming = new IncomingStream();
  const taken: string[] = [];
  const missed: unknown[] = [];
  const calls: number[] = [];
  const link = { fate: (_call: number): 'ok' | 'lost' | 'answer lost' | 'late' => 'ok' };
  const late: (() => void)[] = [];
  const send = async (head: StreamHead, { sequence, messages }: Batch): Promise<number> => {
    const fate = link.fate(calls.push(messages.length));
    if (fate === 'lost') throw new Error('lost');
    if (fate === 'late') await new Promise<void>(resolve => void late.push(resolve));
    const what = incoming.heard(head);
    if (what.length > 0) missed.push(what);
    if (incoming.take(head, sequence)) taken.push(...messages.map(([, , payload]) => Buffer.from(payload).toString()));
    if (fate === 'answer lost') throw new Error('the answer is lost');
    return incoming.next;
  };
  const stream = new OutgoingStream(1, true, send, { ...LIMITS, ...limits }, time, figures);
  const push = (text: string, tenant = 'a', qos: 0 | 1 = 1) =>
    stream.push(tenant, { topic: 'devices/d1/telemetry', payload: Buffer.from(text), qos, contentType: '' }, qos);
  incoming.heard(stream.head);
  return { time, figures, incoming, taken, missed, calls, link, late, stream, push };
}
const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

test('messages of one moment go in one batch, those of many in few, and all arrive in order', async () => {
  const { push, time, taken, calls, figures, stream } = start();
  for (const text of numbers(55)) push(text);
  assert.equal(stream.isIdle, false);
  await time.settle();
  assert.deepEqual(taken, numbers(55));
  assert.deepEqual(calls, [10, 10, 10, 10, 10, 5]);
  assert.deepEqual([stream.isIdle, figures.forwardedToNodes, figures.forwardsToNodesDropped], [true, 55, 0]);
});

test('a batch is no larger than its limit in bytes, and one that is larger by itself goes alone', async () => {
  const { push, time, calls } = start({ batchMaxBytes: 1_000 });
  for (const size of [300, 300, 300, 5_000, 10]) push('x'.repeat(size));
  await time.settle();
  assert.deepEqual(calls, [2, 1, 1, 1]);
});

test('no more batches are under way than allowed', async () => {
  const { push, time, calls, link, late, taken } = start();
  link.fate = () => 'late';
  for (const text of numbers(60)) push(text);
  await time.settle();
  assert.equal(calls.length, 3);
  link.fate = () => 'ok';
  for (const arrive of late) arrive();
  await time.settle();
  assert.deepEqual(taken, numbers(60));
});

for (const fate of ['lost', 'answer lost'] as const)
  test(`when a batch is not answered (${fate}) it is sent again, and every message arrives once and in order`, async () => {
    const { push, time, taken, missed, link } = start();
    link.fate = call => (call === 2 ? fate : 'ok');
    for (const text of numbers(60)) push(text);
    await time.pass(10_000);
    assert.deepEqual(taken, numbers(60));
    assert.deepEqual(missed, []);
  });

test('what never gets through is told by its tenants with the next batch that does', async () => {
  const { push, time, taken, missed, link, figures } = start();
  link.fate = () => 'lost';
  push('1', 'a');
  push('2', 'b');
  await time.pass(60_000);
  link.fate = () => 'ok';
  push('3', 'c');
  await time.settle();
  assert.deepEqual(taken, ['3']);
  assert.deepEqual(missed, [['a', 'b']]);
  assert.equal(figures.forwardsToNodesDropped, 2);
  push('4', 'c');
  await time.settle();
  assert.equal(missed.length, 1);
});

test('a head that is heard by another way tells a loss too, and then it is not told again', async () => {
  const { push, time, missed, link, stream, incoming } = start();
  link.fate = () => 'lost';
  push('1', 'a');
  await time.pass(60_000);
  const { head } = stream;
  assert.deepEqual(incoming.heard(head), ['a']);
  stream.told(head);
  assert.deepEqual(stream.head.lost, []);
  link.fate = () => 'ok';
  push('2', 'a');
  await time.settle();
  assert.deepEqual(missed, []);
});

test('beyond the limit in bytes QoS 0 is dropped without a word, and the loss of QoS 1 is told', async () => {
  const { push, time, taken, missed, link, late, figures } = start({ queueMaxBytes: 1_000, batchesUnderWay: 1 });
  link.fate = () => 'late';
  push('x'.repeat(600), 'a');
  await time.settle();
  push('y'.repeat(600), 'quiet', 0);
  push('y'.repeat(600), 'b');
  push('fits', 'c');
  link.fate = () => 'ok';
  late[0]!();
  await time.settle();
  assert.deepEqual(
    taken.map(text => text.length),
    [600, 4],
  );
  assert.deepEqual(missed, [['b']]);
  assert.equal(figures.forwardsToNodesDropped, 2);
  push('z'.repeat(600), 'a');
  await time.settle();
  assert.equal(taken.length, 3, 'what was sent takes no place any more');
});

test('a stream that is closed names what it still had, and sends nothing more', async () => {
  const { push, time, calls, stream, link } = start();
  link.fate = () => 'lost';
  push('1', 'a');
  await time.settle();
  push('2', 'b');
  stream.close();
  await time.pass(60_000);
  assert.equal(calls.length, 1);
  assert.deepEqual(
    stream.head.lost.map(([tenant]) => tenant),
    ['a', 'b'],
  );
});

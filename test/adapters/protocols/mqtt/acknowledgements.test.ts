import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'aedes';
import {
  Acknowledgements,
  type Answered,
  PUBACK,
  PUBCOMP,
  PUBREC,
} from '../../../../adapters/protocols/mqtt/acknowledgements.ts';
import { QuietBroker } from '../../../../adapters/protocols/mqtt/quiet-broker.ts';

const DRAIN_TIMEOUT_MS = 50;

/** A client of aedes on a stream of which the test sees each write; `taken` says that it takes another. */
async function clientOn(t: TestContext, takesBytes: boolean) {
  const writes: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    writableHighWaterMark: 8,
    write(bytes: Buffer, _encoding, done) {
      writes.push(bytes);
      if (takesBytes) done();
    },
  });
  const broker = new QuietBroker({ drainTimeout: DRAIN_TIMEOUT_MS });
  await broker.listen();
  const client = broker.handle(stream) as Client & { _nextBatch: () => void };
  let done = 0;
  client._nextBatch = () => void done++;
  t.after(() => {
    client.close();
    return new Promise<void>(resolve => broker.close(() => resolve()));
  });
  const to: Answered = { client, answers: undefined };
  return { to, writes, stream, done: () => done };
}

test('the answers of one turn leave as one write, each as its section of the standard says', async t => {
  const { to, writes, done } = await clientOn(t, true);
  const acknowledgements = new Acknowledgements();
  acknowledgements.answer(to, PUBACK, 0x0102, 0);
  acknowledgements.silence(to);
  acknowledgements.answer(to, PUBREC, 0xffff, 0x87);
  acknowledgements.answer(to, PUBCOMP, 3, 0);
  assert.deepEqual([writes.length, done()], [0, 0], 'nothing happens inside of the turn');
  await nextTurn();
  const expected = [0x40, 2, 1, 2, 0x50, 3, 0xff, 0xff, 0x87, 0x70, 2, 0, 3];
  assert.deepEqual(
    writes.map(it => [...it]),
    [expected],
  );
  assert.deepEqual([done(), to.answers], [4, undefined]);
});

test('what is owed is written at once before a connection is closed', async t => {
  const { to, writes } = await clientOn(t, true);
  const acknowledgements = new Acknowledgements();
  acknowledgements.answer(to, PUBACK, 1, 0);
  acknowledgements.flush(to);
  assert.deepEqual([...writes[0]!], [0x40, 2, 0, 1]);
  await nextTurn();
  assert.equal(writes.length, 1);
});

test('one who does not read its answers is not read from, and cut off when that lasts', async t => {
  const { to, stream, done } = await clientOn(t, false);
  const acknowledgements = new Acknowledgements();
  for (let id = 1; id <= 3; id++) acknowledgements.answer(to, PUBACK, id, 0);
  // aedes' timer keeps no process alive, and here nothing else does.
  const alive = setTimeout(() => {}, 60_000);
  t.after(() => clearTimeout(alive));
  await new Promise(resolve => stream.once('close', resolve));
  assert.equal(done(), 0);
});

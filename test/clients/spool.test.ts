import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SyncPolicy } from '../../clients/device/storage/append-file.ts';
import { Spool, type SpooledMessage, SpoolFullError } from '../../clients/device/storage/spool.ts';
import type { MessageKind } from '../../clients/device/storage/spool-record.ts';
import { newFolder } from './running-device.ts';

const make = (folder: string, maxBytes = 4_000, segmentMaxBytes = 400, policy: SyncPolicy = 'group') =>
  new Spool({
    folder,
    maxBytes,
    segmentMaxBytes,
    policy,
    nowMs: () => 0,
    onError: error => {
      throw error;
    },
  });

const text = (n: number) => Buffer.from(String(n).padStart(80, '0'));

async function all(spool: Spool): Promise<[SpooledMessage, number][]> {
  const found: [SpooledMessage, number][] = [];
  for (let it = spool.takeNext(); it !== undefined; it = spool.takeNext())
    found.push([it, Number(await spool.payloadOf(it))]);
  return found;
}
const numbersIn = async (spool: Spool) => (await all(spool)).map(([, n]) => n);

for (const policy of ['group', 'each', 'interval'] as const)
  test(`policy ${policy}: what is appended all at once is there in order`, async t => {
    const folder = await newFolder(t);
    const spool = make(folder, 100_000, 400, policy);
    await spool.open();
    await Promise.all(Array.from({ length: 50 }, (_, n) => spool.append('report', text(n))));
    await spool.sync();
    await spool.close();
    const again = make(folder, 100_000);
    await again.open();
    assert.deepEqual(
      await numbersIn(again),
      Array.from({ length: 50 }, (_, n) => n),
    );
    await again.close();
  });

test('what is removed does not come back when the spool is opened again, and its files go', async t => {
  const folder = await newFolder(t);
  const spool = make(folder);
  await spool.open();
  await Promise.all(Array.from({ length: 30 }, (_, n) => spool.append('report', text(n))));
  for (const [message, n] of await all(spool)) if (n !== 17) spool.remove(message);
  await spool.close();
  const again = make(folder);
  await again.open();
  assert.deepEqual(await numbersIn(again), [17]);
  assert.ok((await readdir(folder)).length <= 6);
  await again.close();
});

test('a full spool drops the oldest telemetry, and counts it; answers always fit, reports do not', async t => {
  const spool = make(await newFolder(t));
  await spool.open();
  await spool.append('report', text(0));
  for (let n = 1; n <= 100; n++) await spool.append('telemetry', text(n));
  assert.ok(spool.bytes <= 4_000);
  assert.equal(spool.telemetryDropped + spool.messages, 101);
  for (let n = 101; n <= 140; n++) await spool.append('ack', text(n), `succeeded ${n}`);
  await assert.rejects(spool.append('report', text(999)), SpoolFullError);
  await assert.rejects(spool.append('telemetry', text(999)), SpoolFullError);
  assert.deepEqual(await numbersIn(spool), [0, ...Array.from({ length: 40 }, (_, n) => 101 + n)]);
  await spool.close();
});

test('messages that stay among others that go do not keep their files', async t => {
  const folder = await newFolder(t);
  const spool = make(folder, 2_000, 400);
  await spool.open();
  for (let n = 0; n < 600; n++) await spool.append(n % 50 === 0 ? 'report' : 'telemetry', text(n));
  assert.ok(spool.fileBytes <= 2_000 + 3 * 400 + 400, `${spool.fileBytes} bytes`);
  const reports = Array.from({ length: 12 }, (_, n) => n * 50);
  const found = await numbersIn(spool);
  await spool.close();
  assert.deepEqual(
    found.filter(n => n % 50 === 0),
    reports,
  );
  const again = make(folder, 2_000, 400);
  await again.open();
  assert.deepEqual(await numbersIn(again), found);
  await again.close();
});

async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(folder)).sort()) files.set(name, await readFile(join(folder, name)));
  return files;
}

test('when files are merged and the end comes before the old ones are deleted, nothing is there twice or comes back', async t => {
  const folder = await newFolder(t);
  const spool = make(folder, 2_000, 400);
  await spool.open();
  const kept = async () => {
    spool.rewind();
    const numbers = await numbersIn(spool);
    spool.rewind();
    return numbers;
  };
  let merges = 0;
  for (let n = 0; n < 300; n++) {
    const [files, before] = [await filesOf(folder), await kept()];
    await spool.append(n % 20 === 0 ? 'report' : 'telemetry', text(n));
    const [merged, after] = [await filesOf(folder), await kept()];
    const changed = [...files.keys()].find(
      name => merged.has(name) && merged.get(name)!.length < files.get(name)!.length,
    );
    if (changed === undefined) continue;
    merges++;
    // As it is between the rename and the first deletion.
    const cutShort = await newFolder(t);
    for (const [name, content] of new Map([...files, [changed, merged.get(changed)!]]))
      await writeFile(join(cutShort, name), content);
    const found = make(cutShort, 2_000, 400);
    await found.open();
    const numbers = await numbersIn(found);
    await found.close();
    assert.deepEqual(
      numbers,
      before.filter(it => numbers.includes(it)),
      'in order, each once, none that was gone',
    );
    assert.deepEqual(
      after.filter(it => it !== n && !numbers.includes(it)),
      [],
      'all that is needed',
    );
  }
  assert.ok(merges > 3, `${merges} merges`);
  await spool.close();
});

test('a message with a key waits once', async t => {
  const spool = make(await newFolder(t));
  await spool.open();
  await Promise.all([spool.append('ack', text(1), 'k'), spool.append('ack', text(1), 'k')]);
  await spool.append('ack', text(1), 'k');
  const found = await all(spool);
  assert.equal(found.length, 1);
  spool.remove(found[0]![0]);
  await spool.append('ack', text(1), 'k');
  assert.equal(spool.messages, 1);
  await spool.close();
});

/** As they are sent: telemetry lets the others pass. */
const inTurn = (numbers: readonly number[], kinds: ReadonlyMap<number, MessageKind>) => [
  ...numbers.filter(n => kinds.get(n) !== 'telemetry'),
  ...numbers.filter(n => kinds.get(n) === 'telemetry'),
];

test('whatever is appended, sent and removed, and wherever it is opened again: what is there is what should be, in order', async t => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<MessageKind>('telemetry', 'report', 'ack') },
    { weight: 3, arbitrary: fc.constant('send' as const) },
    { weight: 1, arbitrary: fc.constant('reopen' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async steps => {
      const folder = await newFolder(t);
      let spool = make(folder, 1_500, 300);
      await spool.open();
      let expected: number[] = [];
      const kinds = new Map<number, MessageKind>();
      for (const [n, what] of steps.entries()) {
        if (what === 'reopen') {
          await spool.close();
          spool = make(folder, 1_500, 300);
          await spool.open();
        } else if (what === 'send') {
          const message = spool.takeNext();
          if (message === undefined) continue;
          const next = inTurn(expected, kinds)[0]!;
          assert.equal(Number(await spool.payloadOf(message)), next);
          expected = expected.filter(it => it !== next);
          spool.remove(message);
        } else {
          const droppedBefore = spool.telemetryDropped;
          await spool.append(what, text(n), what === 'ack' ? `k${n}` : '').then(
            () => expected.push(n),
            error => assert.ok(error instanceof SpoolFullError),
          );
          kinds.set(n, what);
          for (let dropped = spool.telemetryDropped - droppedBefore; dropped > 0; dropped--)
            expected = expected.toSpliced(
              expected.findIndex(it => kinds.get(it) === 'telemetry'),
              1,
            );
        }
      }
      assert.deepEqual(await numbersIn(spool), inTurn(expected, kinds));
      await spool.close();
    }),
    { numRuns: 60 },
  );
});

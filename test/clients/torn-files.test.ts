import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommandRing } from '../../clients/device/commands/command-ring.ts';
import { encodeRecord, scanRecords } from '../../clients/device/storage/records.ts';
import { Spool } from '../../clients/device/storage/spool.ts';
import { newFolder } from './running-device.ts';

const nowMs = () => 1_000;
const ringAt = (folder: string, errors: Error[] = []) =>
  new CommandRing({ folder, minCommands: 10, maxCommands: 20, maxBytes: 1e6, nowMs, onError: it => errors.push(it) });
const spoolAt = (folder: string, errors: Error[] = []) =>
  new Spool({
    folder,
    maxBytes: 1e6,
    segmentMaxBytes: 1e5,
    policy: 'group',
    nowMs,
    onError: it => errors.push(it),
  });

async function textsOf(spool: Spool): Promise<string[]> {
  const texts: string[] = [];
  for (let it = spool.takeNext(); it !== undefined; it = spool.takeNext()) texts.push(`${await spool.payloadOf(it)}`);
  return texts;
}

test('a spool that is cut at any byte of its last record keeps all before it, and takes new messages', async t => {
  const whole = await newFolder(t);
  const spool = spoolAt(whole);
  await spool.open();
  await spool.append('telemetry', Buffer.from('one'));
  const before = spool.fileBytes;
  await spool.append('ack', Buffer.from('two'), 'succeeded c1');
  await spool.close();
  const name = (await readdir(whole))[0]!;
  const content = await readFile(join(whole, name));
  for (let bytes = before; bytes <= content.length; bytes++) {
    const folder = await newFolder(t);
    await writeFile(join(folder, name), content.subarray(0, bytes));
    const errors: Error[] = [];
    const torn = spoolAt(folder, errors);
    await torn.open();
    await torn.append('telemetry', Buffer.from('three'));
    await torn.close();
    const again = spoolAt(folder, errors);
    await again.open();
    // Telemetry lets an answer pass.
    const expected = bytes === content.length ? ['two', 'one', 'three'] : ['one', 'three'];
    assert.deepEqual([await textsOf(again), errors], [expected, []], `cut at ${bytes}`);
    await again.close();
  }
});

test('a ring that is cut at any byte of its last record knows all before it, and remembers more', async t => {
  const whole = await newFolder(t);
  const ring = ringAt(whole);
  const c1 = { id: 'c1', command: 'a', deadlineMs: null };
  await ring.open();
  await ring.started(c1);
  const before = (await readFile(join(whole, 'commands.log'))).length;
  await ring.answered(c1, { status: 'succeeded', result: 7 });
  await ring.close();
  const content = await readFile(join(whole, 'commands.log'));
  for (let bytes = before; bytes <= content.length; bytes++) {
    const folder = await newFolder(t);
    await writeFile(join(folder, 'commands.log'), content.subarray(0, bytes));
    const errors: Error[] = [];
    const torn = ringAt(folder, errors);
    await torn.open();
    const answer = bytes === content.length ? { status: 'succeeded', result: 7 } : null;
    assert.deepEqual(torn.find('c1'), { ...c1, answer, isSettled: false }, `cut at ${bytes}`);
    await torn.started({ ...c1, id: 'c2' });
    await torn.close();
    const again = ringAt(folder, errors);
    await again.open();
    assert.deepEqual([[...again.all()].map(it => it.id), errors], [['c1', 'c2'], []]);
    await again.close();
  }
});

test('damage anywhere in a file: every record that is whole is kept, the file is put aside, and it is said', async t => {
  for (let byte = 0; byte < 3; byte++) {
    const folder = await newFolder(t);
    const ring = ringAt(folder);
    await ring.open();
    for (const id of ['c1', 'c2', 'c3']) await ring.started({ id, command: 'a', deadlineMs: null });
    await ring.close();
    const path = join(folder, 'commands.log');
    const content = await readFile(path);
    // The magic number, the length and the payload of the second record.
    const at = content.length / 3 + [0, 5, 20][byte]!;
    content[at] = content[at]! ^ 0xff;
    await writeFile(path, content);
    const errors: Error[] = [];
    const damaged = ringAt(folder, errors);
    await damaged.open();
    assert.deepEqual(
      [...damaged.all()].map(it => it.id),
      ['c1', 'c3'],
    );
    assert.match(errors[0]!.message, /was damaged: 2 records of it are kept/);
    assert.deepEqual(await readFile(`${path}.corrupt-1000`), content);
    await damaged.close();
    const again = ringAt(folder, errors);
    await again.open();
    assert.equal(errors.length, 1);
    await again.close();
  }
});

test('any bytes at all can be opened, and are said to be damaged unless they are the beginning of a record', async t => {
  const folder = await newFolder(t);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async bytes => {
      await writeFile(join(folder, 'commands.log'), bytes);
      const errors: Error[] = [];
      const ring = ringAt(folder, errors);
      await ring.open();
      await ring.close();
      assert.deepEqual([...ring.all()], []);
      assert.equal(errors.length, bytes[0] === 0xf5 && bytes.length < 4 ? errors.length : 1);
    }),
    { numRuns: 100 },
  );
});

test('a scan finds exactly the records that were written, with one flipped byte all but one', () => {
  const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(payloads, fc.nat(), (written, place) => {
      const file = Buffer.concat(written.map(encodeRecord));
      const found = () => scanRecords(file).records.map(it => [...it.payload]);
      const all = written.map(it => [...it]);
      assert.deepEqual([scanRecords(file).state, found()], ['whole', all]);
      file[place % file.length]! ^= 0x55;
      const endOf = (index: number) => written.slice(0, index + 1).reduce((sum, it) => sum + it.length + 12, 0);
      const hit = written.findIndex((_, index) => endOf(index) > place % file.length);
      assert.deepEqual(found(), all.toSpliced(hit, 1));
    }),
  );
});

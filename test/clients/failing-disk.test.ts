import assert from 'node:assert/strict';
import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandRing } from '../../clients/device/commands/command-ring.ts';
import { Spool } from '../../clients/device/storage/spool.ts';
import { connectedDevice, newFolder, startDevice } from './running-device.ts';
import { SmallBroker } from './small-broker.ts';
import { type Operation, WatchedFiles } from './watched-files.ts';

const ignore = () => {};
const CODES = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE'];
const failure = (code: string) => Object.assign(new Error(`${code}: as if`), { code });
const randomFailure = () => failure(CODES[Math.floor(Math.random() * CODES.length)]!);
const WRITES = new Set(['open', 'write', 'truncate', 'datasync', 'sync', 'rename', 'copyFile', 'unlink']);

/** Some operations fail, now and then many in a row. */
function failing(files: WatchedFiles): () => void {
  let isBad = false;
  files.before = ({ name }) => {
    if (Math.random() < 0.05) isBad = !isBad;
    if (WRITES.has(name) && Math.random() < (isBad ? 0.7 : 0.02)) throw randomFailure();
  };
  return () => {
    files.before = ignore;
  };
}

async function texts(spool: Spool): Promise<string[]> {
  const found: string[] = [];
  for (let it = spool.takeNext(); it !== undefined; it = spool.takeNext()) found.push(`${await spool.payloadOf(it)}`);
  return found;
}
const spoolIn = (folder: string) =>
  new Spool({
    folder,
    maxBytes: 3_000,
    segmentMaxBytes: 400,
    policy: 'group',
    nowMs: () => 1_000,
    onError: ignore,
  });
const text = (n: number) => String(n).padStart(60, '0');
const bytesIn = async (folder: string) => {
  const sizes = (await readdir(folder)).map(async name => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, it) => sum + it, 0);
};

test('whatever fails of the disk: a spool keeps what it promised, sends nothing else, and stays small', async t => {
  const top = await newFolder(t);
  const files = new WatchedFiles(t, top);
  for (let round = 0; round < 10; round++) {
    const folder = await mkdtemp(join(top, 'round-'));
    const waiting: string[] = [];
    const spool = spoolIn(folder);
    await spool.open();
    const heal = failing(files);
    for (let n = 0; n < 100; n++) {
      await Promise.all(
        [text(2 * n), text(2 * n + 1)].map(it =>
          spool.append('report', Buffer.from(it)).then(() => waiting.push(it), ignore),
        ),
      );
      while (spool.messages > 10) {
        const message = spool.takeNext()!;
        assert.equal(`${await spool.payloadOf(message)}`, waiting.shift());
        spool.remove(message);
      }
    }
    heal();
    await spool.append('report', Buffer.from(text(1_000)));
    waiting.push(text(1_000));
    await spool.close();
    assert.ok((await bytesIn(folder)) < 6_000, `${await bytesIn(folder)} bytes`);
    const again = spoolIn(folder);
    await again.open();
    assert.deepEqual((await texts(again)).slice(-waiting.length), waiting);
    await again.close();
  }
});

test('whatever fails of the disk: a ring knows every command that it said was started', async t => {
  let total = 0;
  const top = await newFolder(t);
  const files = new WatchedFiles(t, top);
  for (let round = 0; round < 10; round++) {
    const folder = await mkdtemp(join(top, 'round-'));
    const ringOf = () =>
      new CommandRing({
        folder,
        minCommands: 200,
        maxCommands: 300,
        maxBytes: 1_500,
        nowMs: () => 1_000,
        onError: ignore,
      });
    const ring = ringOf();
    await ring.open();
    const heal = failing(files);
    const started: string[] = [];
    for (let n = 0; n < 100; n++) {
      const command = { id: `c${n}`, command: 'a', deadlineMs: null };
      const isStarted = await ring.started(command).then(
        () => true,
        () => false,
      );
      assert.equal(ring.find(command.id) !== undefined, isStarted);
      if (!isStarted) continue;
      started.push(command.id);
      await ring.answered(command, { status: 'succeeded', result: 'x'.repeat(20) }).catch(ignore);
      ring.settled(command.id);
    }
    heal();
    await ring.close();
    const again = ringOf();
    await again.open();
    const known = new Set([...again.all()].map(it => it.id));
    assert.deepEqual(
      started.filter(id => !known.has(id)),
      [],
    );
    await again.close();
    total += started.length;
  }
  assert.ok(total > 20, `${total} were started`);
});

const failsAt = (name: string, code: string) => (operation: Operation) => {
  if (operation.name === name) throw failure(code);
};

for (const code of ['EMFILE', 'EACCES'])
  test(`a ring that can not be opened for ${code} is not taken for an empty one`, async t => {
    const folder = await newFolder(t);
    const files = new WatchedFiles(t, folder);
    const ringOf = () =>
      new CommandRing({
        folder,
        minCommands: 5,
        maxCommands: 5,
        maxBytes: 1e6,
        nowMs: () => 1_000,
        onError: ignore,
      });
    const ring = ringOf();
    await ring.open();
    await ring.started({ id: 'c1', command: 'a', deadlineMs: null });
    await ring.close();
    files.before = failsAt('readFile', code);
    await assert.rejects(ringOf().open(), { code });
    files.before = ignore;
    const again = ringOf();
    await again.open();
    assert.notEqual(again.find('c1'), undefined);
    await again.close();
  });

test('a damaged file on a full disk is read as it is, and repaired when there is room', async t => {
  const folder = await newFolder(t);
  const files = new WatchedFiles(t, folder);
  const errors: Error[] = [];
  const open = async () => {
    const ring = new CommandRing({
      folder,
      minCommands: 5,
      maxCommands: 9,
      maxBytes: 1e6,
      nowMs: () => 1_000,
      onError: it => errors.push(it),
    });
    await ring.open();
    return ring;
  };
  const first = await open();
  for (const id of ['c1', 'c2']) await first.started({ id, command: 'a', deadlineMs: null });
  await first.close();
  const path = join(folder, 'commands.log');
  await writeFile(path, 'bad bytes', { flag: 'a' });
  files.before = failsAt('copyFile', 'ENOSPC');
  const full = await open();
  await full.started({ id: 'c3', command: 'a', deadlineMs: null });
  await full.close();
  assert.match(errors.splice(0)[0]!.message, /damaged, and not repaired: 2 records/);
  files.before = ignore;
  for (const count of [1, 0]) {
    const ring = await open();
    assert.deepEqual(
      [...ring.all()].map(it => it.id),
      ['c1', 'c2', 'c3'],
    );
    assert.equal(errors.splice(0).length, count);
    await ring.close();
  }
});

test('of files that were set aside the last few stay', async t => {
  const folder = await newFolder(t);
  for (let nowMs = 1; nowMs <= 12; nowMs++) {
    await writeFile(join(folder, 'commands.log'), 'bad bytes');
    const ring = new CommandRing({
      folder,
      minCommands: 5,
      maxCommands: 5,
      maxBytes: 1e6,
      nowMs: () => nowMs,
      onError: ignore,
    });
    await ring.open();
    await ring.close();
  }
  const names = (await readdir(folder)).filter(it => it.includes('corrupt')).sort();
  assert.deepEqual(
    names,
    [10, 11, 12, 9].map(it => `commands.log.corrupt-${it}`),
  );
});

/** The disk takes nothing for as long as it says so. */
async function deviceOnFullDisk(t: TestContext) {
  const broker = await SmallBroker.start(t);
  const folder = await newFolder(t);
  const files = new WatchedFiles(t, folder);
  const commands = { add: () => 1 };
  const device = await connectedDevice(t, { url: broker.url, folder, commands, limits: { answerRetryMs: 10 } });
  return { broker, files, ...device };
}

test('an answer that the disk does not take is given when it does, though nobody asks again', async t => {
  const { broker, files, errors } = await deviceOnFullDisk(t);
  files.before = ({ name, path }) => {
    if (name === 'write' && path.includes('spool')) throw failure('ENOSPC');
  };
  await broker.command('d1', 'c1', 'add');
  while (errors.length < 3) await new Promise(setImmediate);
  assert.deepEqual(broker.acknowledgements, []);
  files.before = ignore;
  await broker.until(() => broker.acknowledgements.length === 1);
  assert.deepEqual(broker.acknowledgements, [{ id: 'c1', status: 'succeeded', result: 1 }]);
});

test('a command of which the start can not be remembered is not carried out, until it can', async t => {
  const { broker, device, files, errors } = await deviceOnFullDisk(t);
  let done = 0;
  device.on('command', () => done++);
  files.before = failsAt('write', 'ENOSPC');
  await broker.command('d1', 'c1', 'add');
  while (errors.length === 0) await new Promise(setImmediate);
  assert.equal(done, 0);
  await assert.rejects(device.telemetry({ a: 1 }), { code: 'ENOSPC' });
  files.before = ignore;
  await broker.command('d1', 'c1', 'add', { attempt: 2 });
  await broker.until(() => broker.acknowledgements.length === 1);
  assert.equal(done, 1);
});

test('a device that could not start leaves nothing open: the next one on its folder starts', async t => {
  const folder = await newFolder(t);
  const files = new WatchedFiles(t, folder);
  files.before = failsAt('datasync', 'EIO');
  const url = 'mqtt://127.0.0.1:1';
  await assert.rejects(startDevice(t, { url, folder }), { code: 'EIO' });
  files.before = ignore;
  await startDevice(t, { url, folder });
});

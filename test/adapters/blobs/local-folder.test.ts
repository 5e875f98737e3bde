/** What is particular to a folder: crashes, full disks, file systems that are gone, several processes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { blobErrorOf } from '../../../adapters/blobs/local-errors.ts';
import { openLocalFolder } from '../../../adapters/blobs/local-folder.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { keysOf, kind, textBody, wholeOf } from './stores.ts';

let root: string;
const drafts = () => readdir(join(root, '~drafts'));
const open = () => openLocalFolder(root, LIMITS);

beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), 'skein-folder-')), 'blobs');
});
afterEach(() => rm(join(root, '..'), { recursive: true, force: true }));

/** A process that puts a blob and never gets to its end: what it wrote is complete, but has no name. */
async function writerThatHangs() {
  const adapter = new URL('../../../adapters/blobs/local-folder.ts', import.meta.url).pathname;
  const program = `
    import { openLocalFolder } from '${adapter}';
    const store = await openLocalFolder(process.argv[1], { blobDraftKeepMinutes: 60 });
    async function* body() {
      yield Buffer.from('all that there is');
      console.log('written');
      await new Promise(resolve => setTimeout(resolve, 60_000));
    }
    await store.put('a/victim', body());`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('of a process that was killed before it gave a name to what it wrote, nothing is seen, and nothing stays', async () => {
  await (await open()).put('a/other', textBody('kept'));
  const child = await writerThatHangs();
  assert.equal((await drafts()).length, 1);
  const meanwhile = await open();
  assert.deepEqual(await keysOf(meanwhile), ['a/other']);
  assert.equal((await drafts()).length, 1, 'the draft of a process that lives was removed');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await open();
  assert.deepEqual([await keysOf(store), await drafts(), await store.size('a/victim')], [['a/other'], [], undefined]);
});

test('drafts of other machines stay until nobody has touched them for an hour', async () => {
  await open();
  for (const [name, minutes] of [
    ['other~1~00000000-0000-4000-8000-000000000001', 59],
    ['other~1~00000000-0000-4000-8000-000000000002', 61],
    [`${hostname()}~${process.pid}~00000000-0000-4000-8000-000000000003`, 0],
  ] as const) {
    await writeFile(join(root, '~drafts', name), 'half');
    const at = new Date(Date.now() - minutes * 60_000);
    await utimes(join(root, '~drafts', name), at, at);
  }
  await open();
  assert.deepEqual(await drafts(), ['other~1~00000000-0000-4000-8000-000000000001']);
});

test('what this process is writing stays when the folder is opened once more', async () => {
  const store = await open();
  async function* body() {
    yield Buffer.from('one, ');
    await open();
    yield Buffer.from('two');
  }
  await store.put('a', body());
  assert.equal((await wholeOf(await store.get('a'))).toString(), 'one, two');
});

test('files are for their owner only, and what was removed leaves no folders', async () => {
  const store = await open();
  await store.put('a/b/c', textBody('x'));
  assert.equal((await stat(join(root, 'a/b/c'))).mode & 0o777, 0o600);
  assert.equal((await stat(join(root, 'a'))).mode & 0o777, 0o700);
  await store.remove('a/b/c');
  assert.deepEqual(await readdir(root), ['~drafts']);
});

test('putting and removing next to each other in one folder: what was put is there', async () => {
  const store = await open();
  for (let round = 0; round < 50; round++) {
    await store.put('d/e/f/old', textBody('x'));
    await Promise.all([store.remove('d/e/f/old'), store.put('d/e/f/new', textBody('y'))]);
    assert.deepEqual(await keysOf(store), ['d/e/f/new']);
    await store.remove('d/e/f/new');
  }
});

test('a folder that is gone is unavailable, not empty, and a file of somebody else is no blob', async () => {
  const store = await open();
  await store.put('a', textBody('x'));
  await writeFile(join(root, 'NOT A KEY'), 'x');
  await mkdir(join(root, 'Folder'));
  assert.deepEqual(await keysOf(store), ['a']);
  await rename(root, `${root}-unmounted`);
  await mkdir(root);
  for (const work of [() => store.size('a'), () => store.get('a'), () => keysOf(store), () => store.remove('a')])
    await assert.rejects(work as () => Promise<unknown>, kind('unavailable'));
});

test('what it takes and what room there is, is known', async () => {
  const store = await open();
  await store.put('a/1', textBody('12345'));
  await store.put('b', textBody('123'));
  const usage = await store.usage!();
  assert.equal(usage.usedBytes, 8);
  assert.ok(usage.freeBytes > 0);
});

test('a blob that is removed while it is read is read to its end', async () => {
  const store = await open();
  await store.put('a', textBody('still here'));
  const body = await store.get('a');
  const iterator = body[Symbol.asyncIterator]();
  const first = await iterator.next();
  await store.remove('a');
  assert.equal(Buffer.from(first.value!).toString(), 'still here');
  assert.equal((await iterator.next()).done, true);
});

test('the errors of a file system have a meaning, and none of them shows a path', () => {
  for (const [code, wanted] of [
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EROFS', 'refused'],
    ['EIO', 'unavailable'],
    ['EISDIR', 'failed'],
  ] as const) {
    const error = blobErrorOf(Object.assign(new Error(`${code}: no, '/secret/place'`), { code }));
    assert.equal(error.kind, wanted);
    assert.ok(error.message.includes(code) && !error.message.includes('/secret/place'));
  }
});

test('a folder that may not be written is said to be so', async t => {
  if (process.getuid?.() === 0) return t.skip('root may write everywhere');
  await mkdir(root, { mode: 0o500 });
  await assert.rejects(open(), kind('refused'));
  await chmod(root, 0o700);
  await open();
});

test('on a full disk it is said to be full, nothing is stored, and when there is room again it works', t => {
  const adapter = new URL('../../../adapters/blobs/local-folder.ts', import.meta.url).pathname;
  const program = `
    import { openLocalFolder } from '${adapter}';
    const store = await openLocalFolder(process.argv[1], { blobDraftKeepMinutes: 60 });
    async function* body(bytes) { for (let at = 0; at < bytes; at += 10_000) yield Buffer.alloc(10_000, 1); }
    await store.put('a', body(100_000));
    const kind = await store.put('b', body(1_000_000)).then(() => 'stored', error => error.kind);
    const keys = await Array.fromAsync(store.list(''));
    await store.put('c', body(100_000));
    console.log(JSON.stringify([kind, keys, await store.size('c')]));`;
  const script = 'mkdir -p "$0" && mount -t tmpfs -o size=512k none "$0" && exec "$1" --input-type=module -e "$2" "$0"';
  const made = spawnSync('unshare', ['-Urm', 'sh', '-c', script, root, process.execPath, program], {
    encoding: 'utf8',
  });
  if (made.error !== undefined || /unshare|mount/.test(made.stderr)) return t.skip('no small disk can be made here');
  assert.deepEqual(JSON.parse(made.stdout || made.stderr), ['full', [{ key: 'a', bytes: 100_000 }], 100_000]);
});

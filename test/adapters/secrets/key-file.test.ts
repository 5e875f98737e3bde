/** The file of the data directory with the key of the system. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeOwnKey, ownKeyPath, readKeyFile, readOwnKey } from '../../../adapters/secrets/key-file.ts';

let folder: string;
let path: string;
const said: string[] = [];
const warn = (text: string) => said.push(text);
const modeOf = async () => (await stat(path)).mode & 0o777;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-key-'));
  path = ownKeyPath(folder);
  said.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('it is made once, for its owner only, and nothing else is left in the folder', async () => {
  assert.equal(await readOwnKey(folder, warn), undefined);
  const made = await makeOwnKey(folder, warn);
  assert.equal(made.length, 32);
  assert.deepEqual(await readOwnKey(folder, warn), made);
  assert.deepEqual([await modeOf(), await readdir(folder), said], [0o600, ['secret.key'], []]);
});

test('of many processes that make it at once in one folder, all have the same', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => makeOwnKey(folder, warn)));
  assert.equal(new Set(made.map(it => Buffer.from(it).toString('hex'))).size, 1);
  assert.deepEqual(await readdir(folder), ['secret.key']);
});

test('one that others could read is theirs no more, with a warning that has nothing of it', async () => {
  const made = await makeOwnKey(folder, warn);
  await chmod(path, 0o644);
  assert.deepEqual(await readOwnKey(folder, warn), made);
  assert.equal(await modeOf(), 0o600);
  assert.match(said[0]!, /could be read by others/);
  assert.ok(!said.join().includes((await readFile(path, 'utf8')).trim()));
});

for (const [what, content, told] of [
  ['empty', ' \n', /is empty/],
  ['broken', 'dGhpcyBpcyBubyBrZXk=', /does not hold 32 bytes/],
  ['far too large', 'a'.repeat(5_000), /too large/],
] as const)
  test(`one that is ${what} is an error that says so, and nothing of its content`, async () => {
    await writeFile(path, content, { mode: 0o600 });
    await assert.rejects(readOwnKey(folder, warn), (error: Error) => {
      assert.match(error.message, told);
      assert.ok(error.message.includes(path) && !error.message.includes(content.trim() || 'never'));
      return true;
    });
  });

test('a file that a setting names is taken with its line end, as base64 or hex, and is named with the setting when it is not there', async () => {
  for (const [text, byte] of [
    [`${'ab'.repeat(32)}\r\n`, 0xab],
    [`${Buffer.alloc(32, 7).toString('base64')}\n`, 7],
  ] as const) {
    await writeFile(path, text);
    assert.deepEqual(new Uint8Array(await readKeyFile(path, 'THE_SETTING')), new Uint8Array(32).fill(byte));
  }
  await assert.rejects(
    readKeyFile(join(folder, 'gone'), 'THE_SETTING'),
    /THE_SETTING: the file .*gone can not be read \(ENOENT\)/,
  );
});

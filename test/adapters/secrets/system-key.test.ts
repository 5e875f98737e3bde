import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { openSealer } from '../../../adapters/secrets/sealer.ts';
import { systemKeys } from '../../../adapters/secrets/system-key.ts';
import { readConfig } from '../../../config.ts';
import type { Subject } from '../database/engines.ts';
import { startWithSchema } from '../database/runs.ts';

let subject: Subject;
let folder: string;
before(async () => {
  subject = await startWithSchema('pglite');
});
after(() => subject?.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-system-key-'));
  await subject.database.query('DELETE FROM data_key');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const key = (byte: number) => Buffer.alloc(32, byte);
const keysOf = (env: Record<string, string> = {}) =>
  systemKeys(readConfig({ SKEIN_DATA_DIR: folder, ...env }), subject.database, () => {});

test('the key comes from a setting, from the file that a setting names, else from the data directory', async () => {
  const file = join(folder, 'mounted');
  await writeFile(file, key(2).toString('base64'));
  const setting = await keysOf({ SKEIN_SECRET_KEY: key(1).toString('hex') });
  assert.deepEqual([setting.current, setting.from], [key(1), 'SKEIN_SECRET_KEY']);
  const mounted = await keysOf({ SKEIN_SECRET_KEY_FILE: file, SKEIN_SECRET_KEY_PREVIOUS: key(3).toString('hex') });
  assert.deepEqual([mounted.current, mounted.previous, mounted.from], [key(2), key(3), 'SKEIN_SECRET_KEY_FILE']);
  const before = await keysOf({ SKEIN_SECRET_KEY: key(1).toString('hex'), SKEIN_SECRET_KEY_PREVIOUS_FILE: file });
  assert.deepEqual(before.previous, key(2));
  assert.deepEqual(await readdir(folder), ['mounted']);
  const own = await keysOf();
  assert.equal(own.from, join(folder, 'secret.key'));
  assert.deepEqual((await keysOf()).current, own.current);
});

test('a node without a key does not make one for a database that holds secrets already: it says that all need the same', async () => {
  await openSealer(subject.database, randomBytes(32));
  await assert.rejects(keysOf(), /this node has no key for them.* All nodes on one database need the same key/);
  assert.deepEqual(await readdir(folder), []);
});

test('a system that had its key in the data directory gets one from a setting', async () => {
  const own = await keysOf();
  const sealed = (await openSealer(subject.database, own.current)).seal(key(9), 'x');
  const next = { SKEIN_SECRET_KEY: key(4).toString('hex') };
  const alone = await keysOf(next);
  await assert.rejects(
    openSealer(subject.database, alone.current, alone),
    /in the file secret\.key of its data directory/,
  );
  const both = await keysOf({ ...next, SKEIN_SECRET_KEY_PREVIOUS_FILE: join(folder, 'secret.key') });
  const sealer = await openSealer(subject.database, both.current, both);
  assert.deepEqual(new Uint8Array(sealer.open(sealed, 'x')), new Uint8Array(key(9)));
  await rename(join(folder, 'secret.key'), join(folder, 'gone'));
  assert.equal((await openSealer(subject.database, (await keysOf(next)).current)).rewrapped, 0);
});

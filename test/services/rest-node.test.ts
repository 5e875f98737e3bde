import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRestNode } from './rest-node.ts';

/** What keeps a process from its end: the database in its thread, timers and sockets of services. */
const held = () =>
  process
    .getActiveResourcesInfo()
    .filter(it => /MessagePort|Worker|TCP/.test(it))
    .sort();

test('a node that fails while it starts leaves nothing open and no folder behind, and says why', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'skein-failing-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const before = [process.env.TMPDIR, held()] as const;
  process.env.TMPDIR = folder;
  const why = new Error('not today');
  let during: string[] = [];
  const failing = startRestNode({
    ingress: () => {
      during = held();
      throw why;
    },
  });
  await assert.rejects(failing, why);
  process.env.TMPDIR = before[0] ?? '';
  if (before[0] === undefined) delete process.env.TMPDIR;
  assert.notDeepEqual(during, before[1]);
  assert.deepEqual(held(), before[1]);
  assert.deepEqual(await readdir(folder), []);
});

import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandRing, type RingOptions } from '../../clients/device/commands/command-ring.ts';
import { newFolder } from './running-device.ts';

const make = (folder: string, more: Partial<RingOptions> = {}) =>
  new CommandRing({
    folder,
    minCommands: 3,
    maxCommands: 5,
    maxBytes: 4_096,
    nowMs: () => 1_000,
    onError: error => {
      throw error;
    },
    ...more,
  });
const idsIn = (ring: CommandRing) => [...ring.all()].map(it => it.id);

async function answer(ring: CommandRing, id: string, deadlineMs: number | null, isSettled = true): Promise<boolean> {
  if (!ring.hasRoom()) return false;
  const command = { id, command: 'a', deadlineMs };
  await ring.started(command);
  await ring.answered(command, { status: 'succeeded', result: 'x'.repeat(100) });
  if (isSettled) ring.settled(id);
  return true;
}

test('the last commands are kept in any case, older ones until their deadline', async t => {
  const ring = make(await newFolder(t));
  await ring.open();
  for (const [id, deadlineMs] of [
    ['past', 999],
    ['ahead', 1_001],
    ['past-2', 999],
    ['past-3', 999],
    ['past-4', 999],
  ] as const)
    await answer(ring, id, deadlineMs);
  assert.deepEqual(idsIn(ring), ['ahead', 'past-3', 'past-4']);
  await ring.close();
});

test('a full ring forgets what the server need not send again, and refuses a new command otherwise', async t => {
  const settled = make(await newFolder(t));
  await settled.open();
  for (let n = 0; n < 9; n++) assert.equal(await answer(settled, `c${n}`, 2_000), true);
  assert.deepEqual(idsIn(settled), ['c4', 'c5', 'c6', 'c7', 'c8']);
  await settled.close();
  const open = make(await newFolder(t));
  await open.open();
  for (let n = 0; n < 9; n++) assert.equal(await answer(open, `c${n}`, 2_000, false), n < 5);
  assert.deepEqual(idsIn(open), ['c0', 'c1', 'c2', 'c3', 'c4']);
  await open.close();
});

test('the file stays small, and is the same ring when it is opened again', async t => {
  const folder = await newFolder(t);
  let ring = make(folder);
  await ring.open();
  for (let n = 0; n < 500; n++) {
    await answer(ring, `c${n}`, 2_000);
    if (n % 77 !== 0) continue;
    const before = [...ring.all()];
    await ring.close();
    ring = make(folder);
    await ring.open();
    assert.deepEqual([...ring.all()].slice(-before.length), before);
  }
  assert.ok((await stat(join(folder, 'commands.log'))).size < 3 * 4_096);
  await ring.close();
});

test('results that are too much for the file go, their commands stay', async t => {
  const ring = make(await newFolder(t), { minCommands: 200, maxCommands: 300 });
  await ring.open();
  for (let n = 0; n < 200; n++) await answer(ring, `c${n}`, 2_000);
  assert.equal(idsIn(ring).length, 200);
  assert.deepEqual(ring.find('c0')?.answer, { status: 'succeeded' });
  assert.deepEqual(ring.find('c199')?.answer, { status: 'succeeded', result: 'x'.repeat(100) });
  await ring.close();
});

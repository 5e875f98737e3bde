import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandRing } from '../../clients/device/commands/command-ring.ts';
import { Spool } from '../../clients/device/storage/spool.ts';
import { PowerCut, type Remains, restore } from './power-cut.ts';
import { newFolder } from './running-device.ts';
import { WatchedFiles } from './watched-files.ts';

const ROUNDS = 100;
const ignore = () => {};
const opening = { nowMs: () => 1_000, onError: ignore };
const spoolIn = (folder: string) =>
  new Spool({ ...opening, folder, maxBytes: 2_000, segmentMaxBytes: 500, policy: 'group' });
const ringIn = (folder: string) =>
  new CommandRing({ ...opening, folder, minCommands: 5, maxCommands: 30, maxBytes: 1_500 });
const upTo = (most: number) => Math.floor(Math.random() * most);
const text = (n: number) => Buffer.from(String(n).padStart(60 + upTo(60), '0'));

type Cut<T> = { readonly remains: Remains; readonly promised: T };

/** Cuts the power before some of the operations, and hands over what was promised by then. */
function cutting<T>(t: TestContext, folder: string, promised: () => T, without: readonly string[]) {
  const files = new WatchedFiles(t, folder);
  const power = new PowerCut(files, folder, Math.random);
  const cuts: Cut<T>[] = [];
  files.before = () => {
    if (Math.random() < 0.1) cuts.push({ remains: power.remains(), promised: promised() });
  };
  const { after } = files;
  files.after = operation => {
    if (!without.includes(operation.path === folder ? 'folder' : operation.name)) after(operation);
  };
  return { cuts, files };
}

async function numbersIn(spool: Spool): Promise<number[]> {
  const found: number[] = [];
  for (let it = spool.takeNext(); it !== undefined; it = spool.takeNext())
    found.push(Number(await spool.payloadOf(it)));
  return found;
}

/** How many power cuts lost a message that was promised, and how many left some in another order. */
async function spoolThroughPowerCuts(t: TestContext, without: readonly string[]) {
  const folder = await newFolder(t);
  const waiting = new Set<number>();
  const { cuts, files } = cutting(t, folder, () => new Set(waiting), without);
  const spool = spoolIn(folder);
  await spool.open();
  for (let n = 0; n < ROUNDS; n++) {
    const append = (it: number) => spool.append('report', text(it)).then(() => waiting.add(it), ignore);
    await Promise.all(n % 3 === 0 ? [append(2 * n), append(2 * n + 1)] : [append(2 * n)]);
    for (let i = spool.messages > 15 ? 3 : upTo(2); i > 0; i--) {
      const message = spool.takeNext();
      if (message === undefined) break;
      waiting.delete(Number(await spool.payloadOf(message)));
      // Some stay for long.
      if (Math.random() < 0.95) spool.remove(message);
    }
    if (n % 20 === 0) spool.rewind();
  }
  await spool.close();
  files.before = ignore;
  let lost = 0;
  let mixed = 0;
  for (const [index, { remains, promised }] of cuts.entries()) {
    const place = join(folder, `cut-${index}`);
    await restore(remains, place);
    const found = spoolIn(place);
    await found.open();
    const numbers = await numbersIn(found);
    await found.close();
    if ([...promised].some(n => !numbers.includes(n))) lost++;
    if (numbers.some((n, i) => i > 0 && numbers[i - 1]! >= n)) mixed++;
  }
  assert.ok(cuts.length > 20, `${cuts.length} cuts`);
  return { lost, mixed };
}

test('wherever the power is cut, a spool keeps what it promised, in order', async t => {
  assert.deepEqual(await spoolThroughPowerCuts(t, []), { lost: 0, mixed: 0 });
});

for (const without of ['datasync', 'folder'])
  test(`the same finds what is lost when a ${without} is not synced`, async t => {
    const { lost, mixed } = await spoolThroughPowerCuts(t, [without]);
    assert.ok(lost + mixed > 0);
  });

async function ringThroughPowerCuts(t: TestContext, without: readonly string[]): Promise<number> {
  const folder = await newFolder(t);
  const started = new Set<string>();
  const { cuts, files } = cutting(t, folder, () => new Set([...started].slice(-5)), without);
  const ring = ringIn(folder);
  await ring.open();
  for (let n = 0; n < ROUNDS; n++) {
    const command = { id: `c${n}`, command: 'a', deadlineMs: null };
    if (!ring.hasRoom()) break;
    await ring.started(command);
    started.add(command.id);
    await ring.answered(command, { status: 'succeeded', result: 'x'.repeat(upTo(100)) });
    ring.settled(command.id);
  }
  await ring.close();
  files.before = ignore;
  let forgotten = 0;
  for (const [index, { remains, promised }] of cuts.entries()) {
    const place = join(folder, `cut-${index}`);
    await restore(remains, place);
    const found = ringIn(place);
    await found.open();
    if ([...promised].some(id => found.find(id) === undefined)) forgotten++;
    await found.close();
  }
  assert.ok(cuts.length > 20, `${cuts.length} cuts`);
  return forgotten;
}

test('wherever the power is cut, a ring knows the commands that were started', async t => {
  assert.equal(await ringThroughPowerCuts(t, []), 0);
});

for (const without of ['datasync', 'folder'])
  test(`the same finds forgotten commands when a ${without} is not synced`, async t => {
    assert.ok((await ringThroughPowerCuts(t, [without])) > 0);
  });

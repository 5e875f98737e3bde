/** What the embedded database does when its process is killed, when it hangs, and when two processes want it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Database, Step } from '../../../adapters/database/database.ts';
import { lockDataDir } from '../../../adapters/database/pglite/data-dir-lock.ts';
import { openPglite } from '../../../adapters/database/pglite/open-pglite.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { copyRows, int8 } from './copy-rows.ts';
import { rejection } from './rejections.ts';

describe('the embedded database whose process is killed', () => {
  let folder: string;
  let child: ChildProcess;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-kill-'));
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}.lock`, { force: true });
  });

  /** Kills the writer when it has said `count` numbers; returns all that it said, and all that is stored. */
  const killAfter = async (mode: 'honest' | 'hasty', count: number) => {
    const said: number[] = [];
    const writer = fileURLToPath(new URL('./pglite-writer.ts', import.meta.url));
    child = spawn(process.execPath, [writer, folder, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    for await (const line of createInterface({ input: child.stdout! })) {
      said.push(Number(line));
      if (said.length === count) child.kill('SIGKILL');
    }
    await ended;
    const database = await openPglite(folder, LIMITS);
    const rows = await database.query<{ n: number }>('SELECT n FROM written');
    await database.close();
    return { said, stored: new Set(rows.map(row => row.n)) };
  };

  it('has all that it said was stored, round after round', async () => {
    for (const count of [30, 150]) {
      const { said, stored } = await killAfter('honest', count);
      assert.ok(said.length >= count, `${said.length} said`);
      assert.deepEqual(
        said.filter(n => !stored.has(n)),
        [],
      );
      await rm(folder, { recursive: true });
    }
  });

  it('shows in this very test when it says so too early', async () => {
    let lost = 0;
    for (let round = 0; lost === 0 && round < 5; round++) {
      const { said, stored } = await killAfter('hasty', 40);
      lost += said.filter(n => !stored.has(n)).length;
      await rm(folder, { recursive: true });
    }
    assert.ok(lost > 0);
  });
});

describe('the embedded database that hangs', () => {
  let folder: string;
  let database: Database;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-hang-'));
    database = await openPglite(folder, { ...LIMITS, queryTimeoutMs: 1_500 });
    await database.script('CREATE TABLE event (id int8 PRIMARY KEY)');
  });
  after(async () => {
    await database?.close();
    await rm(folder, { recursive: true, force: true });
  });
  const copyOf = (id: number): Step => ({
    kind: 'copy',
    table: 'event',
    columns: ['id'],
    data: copyRows([[int8(id)]]),
  });
  const hang: Step = { kind: 'query', sql: 'SELECT pg_sleep(60)' };
  const stored = async () => (await database.query('SELECT id FROM event ORDER BY id')).map(row => row.id);

  it('is stopped, tells each caller what is known, and goes on', async () => {
    const lanes = [database.lane('a'), database.lane('b')] as const;
    await lanes[0].commit([copyOf(1)]);
    // The lane is free for the next only after its caller was told.
    await new Promise(setImmediate);
    const hanging = lanes[0].commit([copyOf(2), hang]);
    const behind = lanes[1].commit([copyOf(3)]);
    const read = database.query('SELECT 1');
    const waiting = lanes[0].commit([copyOf(4)]);
    const error = await rejection('outcome_unknown', hanging);
    assert.match(error.message, /after the commit was sent/);
    await rejection('outcome_unknown', behind);
    await rejection('unavailable', read);
    // It was not sent yet, so it goes to the database that was opened again.
    await waiting;
    assert.deepEqual(await stored(), [1, 4]);
    await Promise.all(lanes.map(lane => lane.close()));
  });

  it('lets a transaction take only so long, because everybody else waits for it', async () => {
    let late: Promise<unknown> | undefined;
    const slow = database.transaction(async tx => {
      await tx.query('INSERT INTO event VALUES (10)');
      await new Promise(resolve => setTimeout(resolve, 2_000));
      late = tx.query('INSERT INTO event VALUES (11)');
      await late;
    });
    const other = database.query('INSERT INTO event VALUES (12)');
    await rejection('timeout', slow);
    await other;
    while (late === undefined) await new Promise(resolve => setTimeout(resolve, 50));
    await rejection('timeout', late);
    assert.deepEqual(await stored(), [1, 4, 12]);
  });

  it('keeps what was stored when it is closed and opened again', async () => {
    await database.close();
    await rejection('unavailable', database.query('SELECT 1'));
    database = await openPglite(folder, LIMITS);
    assert.deepEqual(await stored(), [1, 4, 12]);
  });
});

describe('a data folder', () => {
  let folder: string;
  let holder: ChildProcess | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-lock-'));
  });
  afterEach(async () => {
    holder?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}.lock`, { force: true });
  });

  /** Another process that holds the lock until it is killed. */
  const startHolder = async (abstractNames: boolean) => {
    const lock = new URL('../../../adapters/database/pglite/data-dir-lock.ts', import.meta.url).href;
    const script = `const { lockDataDir } = await import(${JSON.stringify(lock)});
      await lockDataDir(${JSON.stringify(folder)}, ${abstractNames}); console.log('held'); setInterval(() => {}, 1000);`;
    holder = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(holder.stdout!, 'data');
    return holder;
  };
  const kill = async (child: ChildProcess) => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };

  for (const abstractNames of process.platform === 'linux' ? [true, false] : [false]) {
    const how = abstractNames ? 'by an abstract name' : 'by a file';
    it(`belongs to one process (${how}), and is free as soon as that was killed`, async () => {
      const child = await startHolder(abstractNames);
      const error = await rejection('unavailable', lockDataDir(folder, abstractNames));
      assert.match(error.message, /in use by another Skein process/);
      await rejection('unavailable', lockDataDir(`${folder}/../${folder.split('/').at(-1)}`, abstractNames));
      await kill(child);
      const lock = await lockDataDir(folder, abstractNames);
      await rejection('unavailable', lockDataDir(folder, abstractNames));
      await lock.release();
      await (await lockDataDir(folder, abstractNames)).release();
    });
  }

  it('leaves nothing behind when it is released', async () => {
    await (await lockDataDir(folder)).release();
    await assert.rejects(access(`${folder}.lock`));
  });

  it('that is in use is refused before any file is touched', async () => {
    await startHolder(true);
    await rejection(
      'unavailable',
      openPglite(folder, LIMITS).catch(error => Promise.reject(error)),
    );
    await assert.rejects(access(join(folder, 'PG_VERSION')));
  });

  it('that cannot be made is refused with its name', async () => {
    await writeFile(join(folder, 'file'), '');
    const error = await rejection('failed', openPglite(join(folder, 'file', 'data'), LIMITS));
    assert.ok(error.message.includes(join(folder, 'file', 'data')));
  });
});

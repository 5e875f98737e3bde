import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ReadOnly } from '../../../adapters/database/database.ts';
import { StorageRoom } from '../../../adapters/database/storage-room.ts';

const MIB = 1024 * 1024;
const LIMITS = { diskReserveMiB: 100, diskWatchMs: 1_000, diskProbeMs: 500, diskProbeMaxMs: 2_000 };

/** A room whose disk and time are given. */
async function room(t: TestContext, freeMiB: number | undefined) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const disk = { freeMiB, canWrite: true, probes: 0, told: [] as (ReadOnly | undefined)[] };
  const it = new StorageRoom({
    limits: LIMITS,
    ...(freeMiB !== undefined && { free: async () => disk.freeMiB! * MIB }),
    probe: async () => {
      disk.probes++;
      if (!disk.canWrite) throw new Error('No space left on device');
    },
    onChange: readOnly => disk.told.push(readOnly),
  });
  await it.start();
  return { it, disk };
}
/** Lets what a timer has begun come to its end. */
const settled = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

test('it is read-only below the reserve, and until a quarter more than it is free', async t => {
  const { it, disk } = await room(t, 101);
  assert.deepEqual([it.readOnly, it.freeBytes], [undefined, 101 * MIB]);
  disk.freeMiB = 99;
  t.mock.timers.tick(1_000);
  await settled();
  assert.equal(it.readOnly, 'disk nearly full');
  disk.freeMiB = 120;
  t.mock.timers.tick(2_000);
  await settled();
  assert.deepEqual([it.readOnly, disk.probes], ['disk nearly full', 0]);
  disk.freeMiB = 125;
  t.mock.timers.tick(2_000);
  await settled();
  assert.equal(it.readOnly, undefined);
  assert.deepEqual(disk.told, ['disk nearly full', undefined]);
  assert.equal(it.times, 1);
  it.close();
});

test('what the database says counts for more than what is free, and it is asked in growing pauses', async t => {
  const { it, disk } = await room(t, undefined);
  disk.canWrite = false;
  it.becameFull();
  it.becameFull();
  assert.equal(it.readOnly, 'disk full');
  const probedAt: number[] = [];
  for (let ms = 100; ms <= 8_000; ms += 100) {
    const before = disk.probes;
    t.mock.timers.tick(100);
    await settled();
    if (disk.probes > before) probedAt.push(ms);
  }
  assert.deepEqual(probedAt, [500, 1_500, 3_500, 5_500, 7_500]);
  disk.canWrite = true;
  t.mock.timers.tick(2_000);
  await settled();
  assert.equal(it.readOnly, undefined);
  assert.deepEqual([it.times, disk.told], [1, ['disk full', undefined]]);
  it.close();
});

test('one that is closed neither probes nor begins', async t => {
  const { it, disk } = await room(t, 50);
  assert.equal(it.readOnly, 'disk nearly full');
  it.close();
  it.becameFull();
  t.mock.timers.tick(60_000);
  await settled();
  assert.equal(disk.probes, 0);
});

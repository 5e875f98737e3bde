import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { FolderInUseError } from '../../clients/device/skein-device.ts';
import { endWithUs } from '../support/end-with-us.ts';
import { newFolder, startDevice } from './running-device.ts';
import { SmallBroker } from './small-broker.ts';

const PROGRAM = new URL('./ledger-device.ts', import.meta.url).pathname;
const url = 'mqtt://127.0.0.1:1';

test('a second device in a folder is refused, also when both start at once; when the first has stopped it starts', async t => {
  const folder = await newFolder(t);
  const both = await Promise.allSettled([startDevice(t, { url, folder }), startDevice(t, { url, folder })]);
  const refusals = both.filter(it => it.status === 'rejected');
  assert.equal(refusals.length, 1);
  assert.ok(refusals[0]!.reason instanceof FolderInUseError);
  const first = both.find(it => it.status === 'fulfilled')!.value;
  await first.device.telemetry({ a: 1 });
  await first.device.stop();
  const { device } = await startDevice(t, { url, folder });
  assert.equal(device.figures.spooledMessages, 1);
});

test('a folder is free at once when the process that had it is killed, and not before', async t => {
  const broker = await SmallBroker.start(t);
  const folder = await newFolder(t);
  const child = spawn(process.execPath, [PROGRAM, broker.url, folder, '0', 'ring'], { stdio: 'inherit' });
  endWithUs(child);
  const ended = once(child, 'exit');
  await broker.until(() => broker.received.length > 0);
  await assert.rejects(startDevice(t, { url, folder }), FolderInUseError);
  child.kill('SIGKILL');
  await ended;
  await startDevice(t, { url, folder });
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cpuDuring } from '../../../bench/measure/cpu-during.ts';
import { startWorker } from '../../../bench/measure/start-worker.ts';
import type { EchoWorker } from './echo.worker.ts';

function start(t: TestContext) {
  const worker = startWorker<EchoWorker>(new URL('./echo.worker.ts', import.meta.url));
  t.after(() => worker.stop());
  return worker;
}

test('a worker answers each question with its own answer', async t => {
  const worker = start(t);
  assert.deepEqual(await Promise.all([1, 2, 3].map(it => worker.ask('double', it))), [2, 4, 6]);
});

test('what a worker throws reaches who asked', async t => {
  await assert.rejects(start(t).ask('fail'), /RangeError: it was to fail/);
});

test('a question is not left without an answer when the worker ends, nor is a later one', async t => {
  const worker = start(t);
  await assert.rejects(worker.ask('leave'), /ended \(7\)/);
  await assert.rejects(worker.ask('double', 1));
});

test('no setting of ours reaches a worker', async t => {
  process.env.SKEIN_TEST_OURS = 'yes';
  t.after(() => delete process.env.SKEIN_TEST_OURS);
  assert.deepEqual(await start(t).ask('environment'), []);
});

test('CPU is what was used meanwhile, of each one by itself', async () => {
  const used = { server: 10, client: 1 };
  const { result, cpuSeconds } = await cpuDuring({ server: () => used.server, client: () => used.client }, async () => {
    used.server += 2;
    return 'done';
  });
  assert.equal(result, 'done');
  assert.deepEqual(cpuSeconds, { server: 2, client: 0 });
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPostgres } from '../support/postgres.ts';
import { registerDevices, type Skein, startSkein } from '../support/skein.ts';
import { ENGINES } from './rest-node.ts';

const get = async (skein: Skein, path: string) => {
  const headers = { authorization: `Bearer ${skein.adminKey}` };
  const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1${path}`, { headers });
  assert.equal(response.status, 200, path);
  // biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
  return (await response.json()) as any;
};
const post = async (skein: Skein, path: string, body: unknown) => {
  const headers = { authorization: `Bearer ${skein.adminKey}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1${path}`, init);
  assert.equal(response.ok, true, path);
  return (await response.json()) as { id: string };
};

for (const engine of ENGINES)
  test(`a process that is killed in the middle of a job loses and doubles none of its commands, on ${engine}`, async t => {
    const postgres = engine === 'postgres' ? await startPostgres({ fsync: false, withSchema: true }) : undefined;
    const dataDir = await mkdtemp(join(tmpdir(), 'skein-job-'));
    const env = {
      SKEIN_LIMIT_JOB_ITEMS_UNDER_WAY: '7',
      SKEIN_LIMIT_JOB_LEASE_SECONDS: '1',
      ...(postgres && { DATABASE_URL: postgres.url }),
    };
    let skein = await startSkein({ env, dataDir });
    t.after(async () => {
      await skein.stop();
      await postgres?.stop();
      await rm(dataDir, { recursive: true, force: true });
    });
    const ids = Array.from({ length: 300 }, (_, i) => `device-${i}`);
    await registerDevices(skein, ids);
    const { id } = await post(skein, '/jobs', { target: { deviceIds: ids }, command: { command: 'reboot' } });
    let job = await get(skein, `/jobs/${id}`);
    while (job.done < 20) job = await get(skein, `/jobs/${id}`);
    await skein.kill('SIGKILL');
    assert.equal(job.state, 'running', 'it was killed too late to show anything');
    skein = await startSkein({ env, dataDir });
    do job = await get(skein, `/jobs/${id}`);
    while (job.endedAt === null);
    const { state, total, done, commands } = job;
    assert.deepEqual(
      { state, total, done, commands },
      { state: 'completed', total: 300, done: 300, commands: { queued: 300 } },
    );
    const { items } = await get(skein, `/commands?jobId=${id}&limit=1000`);
    assert.deepEqual(items.map((it: { deviceId: string }) => it.deviceId).sort(), ids.toSorted());
  });

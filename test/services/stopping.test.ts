import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { readConfig } from '../../config.ts';
import { runNode } from '../../services/run-node.ts';
import { freePort } from '../support/free-port.ts';

test('requests that wait are answered before their connections are closed', async t => {
  const dataDir = await mkdtemp(join(tmpdir(), 'skein-stop-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const [http, mqtt] = [await freePort(), await freePort()];
  const env = {
    SKEIN_DATA_DIR: dataDir,
    SKEIN_NODE_ID: 'stopping',
    SKEIN_HOST: '127.0.0.1',
    SKEIN_HTTP_PORT: String(http),
    SKEIN_MQTT_PORT: String(mqtt),
  };
  const node = await runNode(readConfig(env), pino({ level: 'silent' }), assert.fail);
  const key = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
  const ask = (method: string, path: string, body?: unknown) =>
    fetch(`http://127.0.0.1:${http}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  await ask('POST', '/devices', { id: 'd' });
  const waiting = [1, 2, 3, 4, 5].map(n => ask('POST', '/devices/d/commands?wait=60', { command: `c${n}` }));
  const stored = async () => (await (await ask('GET', '/devices/d/commands')).json()) as { items: unknown[] };
  while ((await stored()).items.length < 5) await new Promise(resolve => setTimeout(resolve, 20));
  const stopped = node.stop();
  const answers = await Promise.all(
    waiting.map(async it => [(await it).status, ((await (await it).json()) as { state: string }).state]),
  );
  assert.deepEqual(answers, Array(5).fill([202, 'queued']));
  await stopped;
});

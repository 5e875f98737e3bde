import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPostgres } from '../support/postgres.ts';
import { type Skein, startSkein } from '../support/skein.ts';
import { ENGINES } from './rest-node.ts';

const LINES = 600;

// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
async function ask(skein: Skein, line: string, init: RequestInit = {}): Promise<any> {
  const [method, path] = line.split(' ') as [string, string];
  const headers = { authorization: `Bearer ${skein.adminKey}`, ...(init.headers as Record<string, string>) };
  const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1${path}`, { ...init, method, headers });
  const text = await response.text();
  assert.equal(response.ok, true, text);
  return response.headers.get('content-type')?.startsWith('text/csv') ? text : JSON.parse(text);
}

for (const engine of ENGINES)
  test(`a process that is killed in the middle of an import loses and doubles none of its lines, on ${engine}`, async t => {
    const postgres = engine === 'postgres' ? await startPostgres({ fsync: false }) : undefined;
    const dataDir = await mkdtemp(join(tmpdir(), 'skein-import-'));
    const env = {
      SKEIN_LIMIT_IMPORT_PIECE_LINES: '7',
      SKEIN_SECRET_KEY: 'a'.repeat(64),
      ...(postgres && { DATABASE_URL: postgres.url }),
    };
    let skein = await startSkein({ env, dataDir });
    t.after(async () => {
      await skein.stop();
      await postgres?.stop();
      await rm(dataDir, { recursive: true, force: true });
    });
    const file = `id\n${Array.from({ length: LINES }, (_, i) => `crash-${i}\n`).join('')}`;
    const headers = { 'content-type': 'text/csv' };
    const { id } = await ask(skein, 'POST /devices/imports', { body: file, headers });
    let now = await ask(skein, `GET /devices/imports/${id}`);
    while (now.created < 50) now = await ask(skein, `GET /devices/imports/${id}`);
    await skein.kill('SIGKILL');
    assert.equal(now.state, 'running', 'it was killed too late to show anything');
    skein = await startSkein({ env, dataDir });
    do now = await ask(skein, `GET /devices/imports/${id}`);
    while (now.endedAt === null);
    // A line that was done twice would have found its own device, and been refused.
    const { state, total, created, refused } = now;
    assert.deepEqual(
      { state, total, created, refused },
      { state: 'completed', total: LINES, created: LINES, refused: 0 },
    );
    const keys: string = await ask(skein, `GET /devices/imports/${id}/credentials`);
    const last = keys
      .trim()
      .split('\r\n')
      .slice(1)
      .map(it => it.split(',').at(-1)!);
    assert.equal(new Set(last).size, LINES);
    const session = { headers: { authorization: `Bearer ${last[0]}` } };
    const own = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1/devices/crash-0`, session);
    assert.equal(own.status, 200);
  });

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newKey } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import { LastUsed } from '../../services/access/last-used.ts';
import { startWithSchema } from '../adapters/database/runs.ts';

describe('when keys were last used', () => {
  let subject: Awaited<ReturnType<typeof startWithSchema>>;
  let database: Database;
  before(async () => {
    subject = await startWithSchema('pglite');
    database = subject.database;
    await database.script(`INSERT INTO tenant (slug) VALUES ('one');
      INSERT INTO device (tenant_id, device_id, state) SELECT tenant_id, 'd', 'active' FROM tenant`);
  });
  after(() => subject?.stop());

  const applicationKey = async () => {
    const { id, hash } = newKey('application');
    await database.query(
      `INSERT INTO api_key (key_id, tenant_id, name, secret_hash) SELECT $1, tenant_id, 'k', $2 FROM tenant LIMIT 1`,
      [id, hash],
    );
    return { kind: 'application', id } as const;
  };
  const deviceKey = async () => {
    const { id, hash } = newKey('device');
    await database.query(
      'INSERT INTO device_key (key_id, device_uid, secret_hash) SELECT $1, device_uid, $2 FROM device',
      [id, hash],
    );
    return { kind: 'device', id } as const;
  };
  const usedAt = async ({ kind, id }: { kind: string; id: string }) => {
    const table = kind === 'device' ? 'device_key' : 'api_key';
    const rows = await database.query<{ last_used_at: Date | null }>(
      `SELECT last_used_at FROM ${table} WHERE key_id = $1`,
      [id],
    );
    return rows[0]!.last_used_at;
  };
  const start = (options: Partial<ConstructorParameters<typeof LastUsed>[0]> = {}) =>
    new LastUsed({
      database,
      maxCredentials: 10,
      flushMs: 60_000,
      onError: error => assert.fail(String(error)),
      ...options,
    });

  test('uses are written together, of both kinds of keys, and by stopping at the latest', async () => {
    const keys = [await applicationKey(), await deviceKey(), await applicationKey()];
    const untouched = await applicationKey();
    let queries = 0;
    const watched = {
      query: ((sql: string, params?: readonly unknown[]) => {
        queries++;
        return database.query(sql, params);
      }) as Database['query'],
    };
    const used = start({ database: watched });
    for (const key of [...keys, ...keys]) used.note(key);
    assert.equal(queries, 0);
    await used.stop();
    assert.equal(queries, 2);
    for (const key of keys) assert.ok(await usedAt(key));
    assert.equal(await usedAt(untouched), null);
  });

  test('they are written by themselves after a while', async () => {
    const key = await applicationKey();
    const used = start({ flushMs: 1 });
    used.note(key);
    for (const untilMs = Date.now() + 20_000; (await usedAt(key)) === null; ) assert.ok(Date.now() < untilMs);
    await used.stop();
  });

  test('a key that is used all the time is written once a minute', async () => {
    const key = await applicationKey();
    const used = start();
    used.note(key);
    await used.flush();
    const first = await usedAt(key);
    used.note(key);
    await used.flush();
    assert.deepEqual(await usedAt(key), first);
    await database.query(`UPDATE api_key SET last_used_at = now() - interval '2 minutes' WHERE key_id = $1`, [key.id]);
    used.note(key);
    await used.stop();
    assert.ok((await usedAt(key))! >= first!);
  });

  test('beyond its limit uses are not noted, and nothing else happens', async () => {
    const [first, second] = [await applicationKey(), await deviceKey()];
    const used = start({ maxCredentials: 1 });
    used.note(first);
    used.note(second);
    await used.stop();
    assert.ok(await usedAt(first));
    assert.equal(await usedAt(second), null);
  });

  test('a database that is away is told of and costs nobody anything', async () => {
    const errors: unknown[] = [];
    const used = start({
      database: { query: () => Promise.reject(new Error('away')) },
      onError: error => errors.push(error),
    });
    used.note(await applicationKey());
    await used.stop();
    assert.equal(errors.length, 1);
  });
});

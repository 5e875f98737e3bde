import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import pino from 'pino';
import type { Database } from '../../adapters/database/database.ts';
import { readConfig } from '../../config.ts';
import { call } from '../../contracts/contract.ts';
import { retention } from '../../contracts/retention.contract.ts';
import { retentionService } from '../../services/retention.service.ts';
import { startWithSchema } from '../adapters/database/runs.ts';

describe('API keys that have ended', () => {
  let subject: Awaited<ReturnType<typeof startWithSchema>>;
  let database: Database;
  let broker: ServiceBroker;
  before(async () => {
    subject = await startWithSchema('postgres');
    database = subject.database;
    broker = new ServiceBroker({ logger: false });
    const config = readConfig({ SKEIN_LIMIT_API_KEY_KEEP_DAYS: '10' });
    broker.createService(retentionService({ config, database, log: pino({ level: 'silent' }) }));
    await broker.start();
    await database.query(`INSERT INTO tenant (slug) VALUES ('one')`);
  });
  after(async () => {
    await broker?.stop();
    await subject?.stop();
  });

  test('count no more once they are over, and go when they are old; those that work stay', async () => {
    await database.query(
      `INSERT INTO api_key (key_id, tenant_id, name, secret_hash, expires_at, revoked_at)
       SELECT it.id, tenant_id, it.id, '\\x00', now() + it.expires, now() + it.revoked FROM tenant, (VALUES
         ('endless', NULL::interval, NULL::interval), ('later', '1 day', NULL), ('over', '-1 day', NULL),
         ('revoked', NULL, '-9 days'), ('long-revoked', NULL, '-11 days'), ('long-over', '-11 days', NULL)) AS it (id, expires, revoked)`,
    );
    await call(broker, retention.sweep, {});
    const rows = await database.query<{ key_id: string; ended: boolean }>(
      'SELECT key_id, revoked_at IS NOT NULL AS ended FROM api_key ORDER BY key_id',
    );
    assert.deepEqual(
      rows.map(it => [it.key_id, it.ended]),
      [
        ['endless', false],
        ['later', false],
        ['over', true],
        ['revoked', true],
      ],
    );
    const [row] = await database.query<{ used: number }>(`SELECT usage_of(tenant_id, 'apiKeys') AS used FROM tenant`);
    assert.equal(row!.used, 2);
  });
});

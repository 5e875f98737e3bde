/** Whoever does not fit does not join: it ends with a sentence for a person, and the others go on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { type NatsServer, startNats } from '../support/nats.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type Skein, startSkein } from '../support/skein.ts';

/** A process whose clock is this much ahead. */
const clockAhead = (ms: number) => [
  '--import',
  `data:text/javascript,const now = Date.now; Date.now = () => now() + ${ms}`,
];

/** What seals the secrets in the database: all nodes have the same. */
const SKEIN_SECRET_KEY = '5e'.repeat(32);

describe('A node that does not fit', () => {
  let postgres: PostgresServer;
  let nats: NatsServer;
  let member: Skein;
  let database: pg.Client;
  const env = (nodeId: string, more: Record<string, string> = {}) => ({
    DATABASE_URL: postgres.url,
    NATS_URL: nats.url,
    SKEIN_NODE_ID: nodeId,
    SKEIN_SECRET_KEY,
    ...more,
  });

  before(async () => {
    [postgres, nats] = await Promise.all([startPostgres({ fsync: false, withSchema: true }), startNats()]);
    member = await startSkein({ env: env('member') });
    database = new pg.Client({ connectionString: postgres.url });
    await database.connect();
  });
  after(async () => {
    await database?.end();
    await member?.stop();
    await Promise.all([nats?.stop(), postgres?.stop()]);
  });

  const sessions = async () =>
    (await database.query(`SELECT node_id, state FROM node_session WHERE state <> 'closed'`)).rows;

  /** What it says before it ends with 1. Nothing changed for the one that is there. */
  async function refusalOf(start: Promise<Skein>): Promise<string> {
    const said = await start.then(
      async skein => {
        await skein.stop();
        return assert.fail('It became ready');
      },
      (error: Error) => error.message,
    );
    assert.match(said, /^Ended \(1\)/);
    assert.deepEqual(await sessions(), [{ node_id: 'member', state: 'open' }]);
    const ready = await fetch(`http://127.0.0.1:${member.httpPort}/health/ready`);
    assert.equal(ready.status, 200);
    return /^Skein could not start\. (.*)$/m.exec(said)?.[1] ?? assert.fail(said);
  }

  it('because the database is newer than it', async () => {
    await database.query(`INSERT INTO schema_migration (version, name, checksum) VALUES (999, 'from-the-future', 'x')`);
    try {
      const said = await refusalOf(startSkein({ env: env('old') }));
      assert.match(said, /newer than this Skein: it has migration 999 \(from-the-future\)/);
    } finally {
      await database.query('DELETE FROM schema_migration WHERE version = 999');
    }
  });

  it('because the database has another number of shards', async () => {
    await database.query('INSERT INTO shard (shard_id) VALUES (256)');
    try {
      assert.match(await refusalOf(startSkein({ env: env('other') })), /257 shards, this Skein works with 256/);
    } finally {
      await database.query('DELETE FROM shard WHERE shard_id = 256');
    }
  });

  it('because its clock is an hour off', async () => {
    const said = await refusalOf(startSkein({ env: env('early'), nodeArguments: clockAhead(3_600_000) }));
    assert.match(said, /clock of this machine is 3600 s ahead of the database's/);
  });

  it('because another process has its name', async () => {
    assert.match(await refusalOf(startSkein({ env: env('member') })), /Another process runs as node member/);
  });

  it('because its DATABASE_URL leads nowhere, or is not let in', async () => {
    const broken = (change: (url: URL) => void) => {
      const url = new URL(postgres.url);
      change(url);
      return startSkein({ env: env('lost', { DATABASE_URL: url.href }) });
    };
    assert.match(await refusalOf(broken(url => (url.password = 'wrong'))), /refuses the password/);
    assert.match(await refusalOf(broken(url => (url.pathname = '/nowhere'))), /has no such database/);
    assert.match(await refusalOf(broken(url => (url.port = '1'))), /No PostgreSQL server can be reached/);
  });

  it('because it has another key than the others, or none', async () => {
    const other = await refusalOf(startSkein({ env: env('other', { SKEIN_SECRET_KEY: 'a1'.repeat(32) }) }));
    assert.match(
      other,
      /sealed with another key than that of SKEIN_SECRET_KEY\. All nodes on one database need the same key/,
    );
    assert.doesNotMatch(other, /a1a1/);
    const none = await refusalOf(startSkein({ env: env('none', { SKEIN_SECRET_KEY: '' }) }));
    assert.match(none, /this node has no key for them.* All nodes on one database need the same key/);
  });

  it('because no NATS answers', async () => {
    const said = await refusalOf(startSkein({ env: env('alone', { NATS_URL: 'nats://127.0.0.1:1' }) }));
    assert.match(said, /No NATS server can be reached at 127\.0\.0\.1:1/);
  });

  it('because it has no NATS_URL, and a cluster works on this database', async () => {
    const { NATS_URL: _, ...alone } = env('alone');
    assert.match(await refusalOf(startSkein({ env: alone })), /set NATS_URL to join it/);
  });

  it('but one that fits joins (the control)', async () => {
    const second = await startSkein({ env: env('second'), nodeArguments: clockAhead(1_000) });
    assert.equal((await sessions()).length, 2);
    await second.stop();
    assert.equal((await sessions()).length, 1);
  });
});

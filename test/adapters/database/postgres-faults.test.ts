/** What lanes and queries say when the server or the network fails, and whether it is true. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import pg from 'pg';
import type { Database, Lane, Step } from '../../../adapters/database/database.ts';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { copyRows, int8 } from './copy-rows.ts';
import { type CuttingProxy, type Fault, startCuttingProxy } from './cutting-proxy.ts';
import { rejection } from './rejections.ts';

describe('PostgreSQL that fails', () => {
  let server: PostgresServer;
  let proxy: CuttingProxy;
  /** Through the proxy, and around it. */
  let database: Database;
  let observer: Database;
  let lane: Lane;
  let nextId = 0;

  before(async () => {
    server = await startPostgres();
    proxy = await startCuttingProxy(server.port);
    const url = new URL(server.url);
    url.port = String(proxy.port);
    const limits = { ...LIMITS, laneStatementTimeoutMs: 400, queryTimeoutMs: 400 };
    database = await openPostgres(url.href, limits);
    observer = await openPostgres(server.url, LIMITS);
    await observer.script(
      'CREATE TABLE event (id int8 PRIMARY KEY); CREATE TABLE lock (id int4); INSERT INTO lock VALUES (1)',
    );
    lane = database.lane('fault');
  });
  after(async () => {
    await lane?.close();
    await database?.close();
    await observer?.close();
    await proxy?.close();
    await server?.stop();
  });
  afterEach(() => {
    proxy.fault = 'none';
  });

  const copyOf = (id: number): Step => ({
    kind: 'copy',
    table: 'event',
    columns: ['id'],
    data: copyRows([[int8(id)]]),
  });
  const isStored = async (id: number) => (await observer.query('SELECT 1 FROM event WHERE id = $1', [id])).length === 1;
  const commitDuring = (fault: Fault, id: number): Promise<unknown> => {
    proxy.fault = fault;
    proxy.faults = 0;
    return lane.commit([{ kind: 'query', sql: 'SELECT 1' }, copyOf(id)]);
  };
  /** Somebody else holds a lock that the lane's transaction needs, until `work` is done. */
  const whileWaitingForLock = async (id: number, work: () => Promise<unknown>): Promise<unknown> => {
    const holder = new pg.Client({ connectionString: server.url });
    holder.on('error', () => {});
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE lock');
    const commit = lane.commit([copyOf(id), { kind: 'query', sql: 'SELECT * FROM lock' }]);
    const outcome = commit.catch(error => error);
    while ((await observer.query(`SELECT 1 FROM pg_locks WHERE NOT granted`)).length === 0);
    await work();
    await outcome;
    await holder.end().catch(() => {});
    return commit;
  };
  const laneBackends = () =>
    observer.query(`SELECT pid FROM pg_stat_activity WHERE application_name = 'skein lane fault'`);

  it('loses the connection before COMMIT was sent: unavailable, and nothing is stored', async () => {
    const id = ++nextId;
    await rejection('unavailable', commitDuring('before-steps', id));
    assert.equal(proxy.faults, 1);
    assert.equal(await isStored(id), false);
  });

  it('loses the connection and COMMIT with it: the outcome is unknown, and nothing is stored', async () => {
    const id = ++nextId;
    await rejection('outcome_unknown', commitDuring('before-commit', id));
    assert.equal(proxy.faults, 1);
    assert.equal(await isStored(id), false);
  });

  it('loses the connection and the answer to COMMIT: the outcome is unknown, and it is stored', async () => {
    const id = ++nextId;
    await rejection('outcome_unknown', commitDuring('after-commit', id));
    assert.equal(proxy.faults, 1);
    assert.equal(await isStored(id), true);
  });

  it('never answers COMMIT: the outcome is unknown, and it is stored', async () => {
    const id = ++nextId;
    await rejection('outcome_unknown', commitDuring('silence', id));
    assert.equal(proxy.faults, 1);
    assert.equal(await isStored(id), true);
  });

  it('connects again by itself with the next commit', async () => {
    const id = ++nextId;
    const [before] = await laneBackends();
    await rejection('unavailable', commitDuring('before-steps', id));
    proxy.fault = 'none';
    await lane.commit([copyOf(id)]);
    assert.equal(await isStored(id), true);
    assert.notDeepEqual(await laneBackends(), [before]);
    // Without a fault the connection stays the same: so it is the fault that changed it.
    const kept = await laneBackends();
    await lane.commit([copyOf(++nextId)]);
    assert.deepEqual(await laneBackends(), kept);
  });

  it('commits in order what waits behind a broken commit', async () => {
    const first = ++nextId;
    const broken = commitDuring('before-steps', first);
    const waiting = lane.commit([{ kind: 'query', sql: 'INSERT INTO event VALUES ($1)', params: [++nextId] }]);
    await rejection('unavailable', broken);
    await waiting;
    assert.equal(await isStored(nextId), true);
  });

  it('ends the session by an administrator before COMMIT was sent: unavailable, and nothing is stored', async () => {
    const id = ++nextId;
    const ended = whileWaitingForLock(id, async () => {
      for (const { pid } of await laneBackends()) await observer.query('SELECT pg_terminate_backend($1)', [pid]);
    });
    const error = await rejection('unavailable', ended);
    assert.equal(error.code, '57P01');
    assert.equal(await isStored(id), false);
    await lane.commit([copyOf(id)]);
    assert.equal(await isStored(id), true);
  });

  it('is killed in the middle of a transaction: unavailable until it runs again, and nothing is stored', async () => {
    const id = ++nextId;
    await rejection(
      'unavailable',
      whileWaitingForLock(id, () => server.kill('SIGKILL')),
    );
    await rejection('unavailable', lane.commit([copyOf(id)]));
    await rejection('unavailable', database.query('SELECT 1'));
    await rejection(
      'unavailable',
      database.transaction(async () => {}),
    );
    await server.restart();
    assert.equal(await isStored(id), false);
    await lane.commit([copyOf(id)]);
    assert.equal(await isStored(id), true);
  });

  it('stops a statement of a lane that takes too long: timeout, and nothing is stored', async () => {
    const id = ++nextId;
    await rejection('timeout', lane.commit([copyOf(id), { kind: 'query', sql: 'SELECT pg_sleep(30)' }]));
    assert.equal(await isStored(id), false);
    await lane.commit([copyOf(id)]);
    assert.equal(await isStored(id), true);
  });

  it('stops a query that takes too long', async () => {
    await rejection('timeout', database.query('SELECT pg_sleep(30)'));
    assert.deepEqual(await database.query('SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('lets a script take its time', async () => {
    await database.script('SELECT pg_sleep(0.6)');
  });

  it('undoes a transaction whose work never ends, so that its locks do not stay for ever', async () => {
    const forgotten = database.transaction(async tx => {
      await tx.query('LOCK TABLE lock');
      return new Promise(() => {});
    });
    await rejection('timeout', forgotten);
    assert.deepEqual(await observer.query('SELECT id FROM lock'), [{ id: 1 }]);
  });

  it('does not know whether a statement was stored whose answer got lost, but knows that a read stored nothing', async () => {
    /** Runs until somebody ends the session. */
    const cut = (sql: string): Promise<unknown> => {
      const running = database.query(`${sql} /* cut me */`);
      let over = false;
      const watching = async () => {
        const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%/* cut ' || 'me */'`;
        while (!over && (await observer.query(end)).length === 0);
      };
      return Promise.all([running.finally(() => (over = true)), watching()]);
    };
    await rejection('outcome_unknown', cut('INSERT INTO lock SELECT 2 FROM pg_sleep(20)'));
    // The connection that ended is not given to the next.
    assert.deepEqual(await database.query('SELECT 1 AS one'), [{ one: 1 }]);
    await rejection('unavailable', cut('SELECT pg_sleep(20)'));
  });

  it('commits to the disk before it answers, even where asynchronous commits are the default', async () => {
    await observer.query('ALTER DATABASE postgres SET synchronous_commit = off');
    const sql = `SELECT current_setting('synchronous_commit') AS it, current_setting('statement_timeout') AS statement,
                        current_setting('idle_in_transaction_session_timeout') AS idle`;
    const fresh = database.lane('fresh');
    assert.deepEqual(await fresh.commit([{ kind: 'query', sql }]), [[{ it: 'on', statement: '400ms', idle: '400ms' }]]);
    await fresh.close();
    const plain = new pg.Client({ connectionString: server.url });
    await plain.connect();
    assert.equal((await plain.query(sql)).rows[0].it, 'off');
    await plain.end();
    await observer.query('ALTER DATABASE postgres RESET synchronous_commit');
  });
});

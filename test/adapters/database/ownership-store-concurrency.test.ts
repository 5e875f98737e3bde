/** What only a server with many connections can show: transactions of one node while another one takes over, and failures. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import pg from 'pg';
import { FENCE_SQL } from '../../../adapters/database/actor-store.sql.ts';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { migrate, readMigrations } from '../../../adapters/database/migrate.ts';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Holding } from '../../../contracts/ownership.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { forgetAll, type Joined, join, letLeaseRunOut, openAlone } from './runs.ts';

const ONE: Holding[] = [{ shard: 1, epoch: 0, holder: null }];
const WELL = { reachable: true, leaving: false };

describe('ownership on a server, between transactions', () => {
  let server: PostgresServer;
  let database: Database;
  let a: Joined;
  let b: Joined;
  const raw: pg.Client[] = [];
  before(async () => {
    server = await startPostgres({ fsync: false, withSchema: true });
    database = await openPostgres(server.url, LIMITS);
    await migrate(database, await readMigrations());
  });
  after(async () => {
    for (const client of raw) await client.end();
    await database?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    await forgetAll(database);
    a = await join(database, 'a');
    b = await join(database, 'b');
  });
  /** Another process in the middle of a transaction, at the moment that the test wants. */
  const begin = async (sql: string, params: unknown[]): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: server.url });
    raw.push(client);
    await client.connect();
    await client.query('BEGIN');
    await client.query(sql, params);
    return client;
  };
  /** Waits until as many statements wait for a lock; and is done if `work` ends instead. */
  const untilWaiting = async (count: number, work: Promise<unknown>): Promise<number> => {
    let ended = false;
    work.then(
      () => (ended = true),
      () => (ended = true),
    );
    for (;;) {
      const [row] = await database.query<{ n: number }>(
        `SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      if (row!.n >= count || ended) return row!.n;
    }
  };
  const closeSession = async (one: Joined) => {
    await letLeaseRunOut(database, one.instanceId, 60_000);
    assert.equal(await b.store.closeExpired(one.instanceId, 0), true);
  };

  it('closes lanes after the transactions in flight; once it is done none commits any more', async () => {
    const commits = async () =>
      (
        await database.query('SELECT commits FROM node_lane WHERE instance_id = $1 AND lane = 1 AND NOT open', [
          a.instanceId,
        ])
      )[0]?.commits as number | undefined;
    await a.store.take(ONE);
    const inFlight = await begin(FENCE_SQL, [a.instanceId, 1]);
    await closeSession(a);
    const closing = b.store.closeLanes(a.instanceId);
    assert.equal(await untilWaiting(1, closing), 1);
    assert.deepEqual(await b.store.take([{ ...ONE[0]!, epoch: 1 }]), [], 'its lanes are not closed yet');
    const writer = new ActorStore(database, a.instanceId, 2);
    const next = writer.commit(1, [], false);
    const ended = Promise.allSettled([next]);
    assert.equal(await untilWaiting(2, next), 2);
    await inFlight.query('COMMIT');
    await closing;
    // The next one may have had the row first, but then closing waited for it too.
    const atTheEnd = await commits();
    const [{ status }] = await ended;
    assert.equal(atTheEnd, status === 'fulfilled' ? 2 : 1, 'what was in flight was committed');
    for (const lane of [1, 0]) await assert.rejects(writer.commit(lane, [], false), { kind: 'fenced' });
    await writer.close();
    assert.equal(await commits(), atTheEnd);
    assert.equal((await b.store.take([{ ...ONE[0]!, epoch: 1 }])).length, 1);
    // Had nothing been in flight, nothing would have waited.
    const c = await join(database, 'c');
    await closeSession(c);
    const unhindered = b.store.closeLanes(c.instanceId);
    assert.equal(await untilWaiting(1, unhindered), 0);
    await unhindered;
  });

  it('does not wait for ever for a process that stopped in the middle of its transaction', async () => {
    const patience = { ...LIMITS, laneStatementTimeoutMs: 300 };
    const stopped = await begin(FENCE_SQL, [a.instanceId, 0]);
    stopped.on('error', () => {});
    // As on every connection of a lane.
    await stopped.query(`SET LOCAL idle_in_transaction_session_timeout = ${patience.laneStatementTimeoutMs}`);
    await closeSession(a);
    await b.store.closeLanes(a.instanceId);
    await assert.rejects(stopped.query('COMMIT'));
    const [lane] = await database.query('SELECT commits, open FROM node_lane WHERE instance_id = $1 AND lane = 0', [
      a.instanceId,
    ]);
    assert.deepEqual(lane, { commits: 0, open: false });
  });

  it('lets several close the lanes of one session at once', async () => {
    const inFlight = await begin(FENCE_SQL, [a.instanceId, 0]);
    await closeSession(a);
    const c = await join(database, 'c');
    const closing = Promise.all([b, c, a].map(one => one.store.closeLanes(a.instanceId)));
    await untilWaiting(3, closing);
    await inFlight.query('ROLLBACK');
    await closing;
  });

  it('locks lanes in the order of their numbers, so that two never wait for each other', async () => {
    const writer = new ActorStore(database, a.instanceId, 2);
    await writer.commit(0, [], false);
    await writer.close();
    // Lane 0 lies behind lane 1 now, and the planner knows that reading the table through is cheapest.
    await database.query('ANALYZE node_lane');
    await closeSession(a);
    const other = await begin(FENCE_SQL, [a.instanceId, 0]);
    const closing = b.store.closeLanes(a.instanceId);
    assert.equal(await untilWaiting(1, closing), 1);
    await other.query(FENCE_SQL, [a.instanceId, 1]);
    await other.query('COMMIT');
    await closing;
  });

  it('does not close a session whose renewal is in flight', async () => {
    await letLeaseRunOut(database, a.instanceId, 60_000);
    const renewing = await begin(
      `UPDATE node_session SET expires_at = clock_timestamp() + '10 s' WHERE instance_id = $1`,
      [a.instanceId],
    );
    const closing = b.store.closeExpired(a.instanceId, 0);
    assert.equal(await untilWaiting(1, closing), 1);
    await renewing.query('COMMIT');
    assert.equal(await closing, false);
    await letLeaseRunOut(database, a.instanceId, 60_000);
    assert.equal(await b.store.closeExpired(a.instanceId, 0), true);
  });

  it('tells all that close a session at once that it is closed', async () => {
    await letLeaseRunOut(database, a.instanceId, 60_000);
    const closing = await begin(
      `UPDATE node_session SET state = 'closed', closed_at = clock_timestamp() WHERE instance_id = $1`,
      [a.instanceId],
    );
    const second = b.store.closeExpired(a.instanceId, 0);
    assert.equal(await untilWaiting(1, second), 1);
    await closing.query('COMMIT');
    assert.equal(await second, true);
  });

  it('refuses shards to a session that is being closed', async () => {
    const closing = await begin(`UPDATE node_session SET state = 'closed' WHERE instance_id = $1`, [a.instanceId]);
    const taking = a.store.take(ONE);
    const given = b.store.take([{ ...ONE[0]!, shard: 2 }]).then(mine => b.store.transfer(mine, a.instanceId));
    assert.equal(await untilWaiting(2, Promise.all([taking, given])), 2);
    await closing.query('COMMIT');
    assert.deepEqual([await taking, await given], [[], []]);
    // Undone, the closing would have hindered neither.
    const undone = await begin(`UPDATE node_session SET state = 'closed' WHERE instance_id = $1`, [b.instanceId]);
    const again = b.store.take(ONE);
    assert.equal(await untilWaiting(1, again), 1);
    await undone.query('ROLLBACK');
    assert.equal((await again).length, 1);
  });

  it('gives a shard to the second that wants it only if the first gives up', async () => {
    for (const [end, count] of [
      ['COMMIT', 0],
      ['ROLLBACK', 1],
    ] as const) {
      await database.query('UPDATE shard SET epoch = 0, holder = NULL WHERE shard_id = 1');
      const first = await begin('UPDATE shard SET epoch = epoch + 1, holder = $1 WHERE shard_id = 1', [a.instanceId]);
      const second = b.store.take(ONE);
      assert.equal(await untilWaiting(1, second), 1);
      await first.query(end);
      assert.equal((await second).length, count);
    }
  });

  it('does not replace a cluster that renews its lease at the last moment', async () => {
    await letLeaseRunOut(database, a.instanceId, 60_000);
    await letLeaseRunOut(database, b.instanceId, 60_000);
    const renewing = await begin(
      `UPDATE node_session SET expires_at = clock_timestamp() + '10 s' WHERE instance_id = $1`,
      [a.instanceId],
    );
    const opening = openAlone(database);
    const outcome = assert.rejects(opening, /A cluster of 1 node \(a\) works on this database/);
    assert.equal(await untilWaiting(1, opening), 1);
    await renewing.query('COMMIT');
    // Seen alive now, it is watched, and renews.
    for (let refused = false; !refused; ) {
      assert.equal(await a.store.renew(WELL), true);
      refused = await Promise.race([outcome.then(() => true), new Promise<false>(next => setTimeout(next, 50, false))]);
    }
  });

  it('lets processes without NATS_URL begin one after the other, so that the first is closed by the second', async () => {
    await forgetAll(database);
    const shards = await begin('SELECT FROM shard FOR UPDATE', []);
    const opening = Promise.all([openAlone(database), openAlone(database)]);
    assert.equal(await untilWaiting(2, opening), 2);
    await shards.query('COMMIT');
    await opening;
    const open = await database.query(`SELECT DISTINCT instance_id FROM node_lane WHERE open`);
    assert.deepEqual(open, await database.query('SELECT DISTINCT holder AS instance_id FROM shard'));
    assert.equal(open.length, 1);
  });

  it('does not join beside a process that renews its lease at the last moment', async () => {
    await forgetAll(database);
    const alone = await openAlone(database);
    const renewing = await begin(
      `UPDATE node_session SET expires_at = clock_timestamp() + '10 s' WHERE instance_id = $1`,
      [alone],
    );
    const joining = join(database, 'c');
    const refused = assert.rejects(joining, /A process without NATS_URL uses this database/);
    assert.equal(await untilWaiting(1, joining), 1);
    await renewing.query('COMMIT');
    await refused;
  });

  it('renews while every connection for queries is busy', async () => {
    const limits = { ...LIMITS, databaseConnections: 1 };
    const busy = await openPostgres(server.url, limits);
    const node = await join(busy, 'c');
    const sleeping = busy.query('SELECT pg_sleep(1)').then(() => 'slept');
    const viewed = node.store.view().then(() => 'viewed');
    assert.equal(await Promise.race([node.store.renew(WELL), sleeping, viewed]), true);
    // A query does have to wait.
    assert.equal(await Promise.race([viewed, sleeping]), 'slept');
    await viewed;
    await busy.close();
  });
});

describe('ownership on a server that fails', () => {
  let server: PostgresServer;
  let database: Database;
  let a: Joined;
  before(async () => {
    server = await startPostgres({ fsync: false, withSchema: true });
    database = await openPostgres(server.url, LIMITS);
    await migrate(database, await readMigrations());
    a = await join(database, 'a');
  });
  after(async () => {
    await database?.close();
    await server?.stop();
  });

  it('rejects with a StoreError, and works again afterwards', async () => {
    const attempts: (() => Promise<unknown>)[] = [
      () => a.store.renew(WELL),
      () => a.store.view(),
      () => a.store.closeExpired(a.instanceId, 0),
      () => a.store.closeLanes(a.instanceId),
      () => a.store.take(ONE),
      () => a.store.transfer(ONE, null),
    ];
    await server.kill('SIGINT');
    for (const attempt of attempts)
      await assert.rejects(attempt(), error => {
        const { name, kind } = error as { name: string; kind: string };
        assert.equal(name, 'StoreError');
        assert.ok(kind === 'unavailable' || kind === 'outcome_unknown', kind);
        return true;
      });
    await server.restart();
    assert.equal(await a.store.renew(WELL), true);
    assert.equal((await a.store.take(ONE)).length, 1);
  });
});

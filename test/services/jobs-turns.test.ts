import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { uuidv7 } from 'uuidv7';
import { type Database, DatabaseError } from '../../adapters/database/database.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { TypeCommands } from '../../mixins/type-commands.ts';
import { insertJob, type JobRequest } from '../../services/jobs/new-jobs.ts';
import { JobRunner } from '../../services/jobs/runner.ts';
import { endTurn, keepJob, takeJob } from '../../services/jobs/turns.ts';
import { Overheard, registerMany } from './fleet-node.ts';
import { ENGINES, type RestNode, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`turns of jobs on ${engine}`, () => {
    let node: RestNode;
    let real: Ingress;
    let tenantId: number;
    before(async () => {
      const env = {
        SKEIN_LIMIT_JOB_LEASE_SECONDS: '1',
        SKEIN_LIMIT_JOB_POLL_MS: '20',
        SKEIN_LIMIT_JOB_ITEMS_UNDER_WAY: '3',
      };
      node = await startRestNode({
        engine,
        env,
        ingress: it => {
          real = it;
          return it;
        },
      });
      [{ tenantId }] = (await node.database.query('SELECT tenant_id AS "tenantId" FROM tenant')) as [
        { tenantId: number },
      ];
      await registerMany(node, ['c1', 'c2', 'c3', 'c4', 'c5'], { tags: ['all'] });
    });
    beforeEach(() => node.database.query('DELETE FROM job'));
    after(() => node.stop());

    const newJob = async (request: JobRequest): Promise<string> => {
      const id = uuidv7();
      const job = {
        id,
        tenantId,
        target: { tag: 'all' },
        request,
        within: null,
        requestedBy: 'test',
        createdAtMs: Date.now(),
      };
      await node.database.transaction(tx => insertJob(tx, job, 100));
      return id;
    };
    const reboot = { command: { command: 'reboot', parameters: {} } };
    const runner = (way: Overheard, database: Database) => {
      const { log } = node;
      const { limits } = node.config;
      const types = new TypeCommands(database, limits.commandSchemasCached);
      return new JobRunner({ database, ingress: way.between(real), types, limits, instanceId: randomUUID(), log });
    };
    type State = { state: string; pending: number; done: number };
    const stateOf = async (id: string): Promise<State> =>
      (await node.database.query<State>('SELECT state, pending, done FROM job WHERE job_id = $1', [id]))[0]!;
    const completed = async (id: string): Promise<State> => {
      for (const untilMs = Date.now() + 20_000; ; await new Promise(resolve => setTimeout(resolve, 20))) {
        const it = await stateOf(id);
        if (it.state === 'completed') return it;
        assert.ok(Date.now() < untilMs, JSON.stringify(it));
      }
    };
    /** What a node hears and does that is gone from the moment at which `isGone` is set. */
    const leavingDatabase = () => {
      const database: Database = Object.create(node.database);
      const leaving = { isGone: false, database };
      const gone = () => Promise.reject(new DatabaseError('unavailable', 'gone'));
      database.query = (sql, params) => (leaving.isGone ? gone() : node.database.query(sql, params));
      database.transaction = work => (leaving.isGone ? gone() : node.database.transaction(work));
      return leaving;
    };

    for (const [what, request] of [
      ['commands', reboot],
      ['changes of what is desired', { desired: { patch: { a: 1 } } }],
    ] as [string, JobRequest][])
      test(`a node that ends between what its actors did and remembering it doubles no ${what}`, async () => {
        const id = await newJob(request);
        const leaving = leavingDatabase();
        const way = new Overheard();
        const isAsked = Promise.withResolvers<void>();
        way.heard = (_device, outcome) => {
          leaving.isGone = true;
          isAsked.resolve();
          return outcome;
        };
        const dying = runner(way, leaving.database);
        dying.start();
        await isAsked.promise;
        await dying.stop();
        assert.deepEqual(await stateOf(id), { state: 'running', pending: 5, done: 0 });
        const other = new Overheard();
        const next = runner(other, node.database);
        next.start();
        assert.deepEqual(await completed(id), { state: 'completed', pending: 0, done: 5 });
        await next.stop();
        // The dying one had three of them on their way: so these were asked twice, and for the same.
        assert.deepEqual([way.requests.length, other.requests.length], [3, 5]);
        for (const { device, request: asked } of way.requests) assert.deepEqual(other.of(device), [asked]);
        const [rows] = await node.database.query<{ commands: number; versions: number[] }>(
          `SELECT (SELECT count(*)::int FROM command WHERE job_id = $1) AS commands,
             (SELECT array_agg(DISTINCT desired_version) FROM device_twin) AS versions`,
          [id],
        );
        if ('command' in request) assert.equal(rows?.commands, 5);
        else assert.deepEqual(rows?.versions, [1]);
      });

    test('one job is had by one node at a time, until its lease runs out', async () => {
      await newJob(reboot);
      const [first, second] = [randomUUID(), randomUUID()];
      const taken = await Promise.all([takeJob(node.database, first, 60), takeJob(node.database, second, 60)]);
      assert.equal(taken.filter(it => it !== undefined).length, 1);
      assert.equal(await takeJob(node.database, second, 60), undefined);
      await node.database.query('UPDATE job SET due_at = now()');
      assert.notEqual(await takeJob(node.database, second, 60), undefined);
    });

    test('who lost a job stores nothing of its turn, and can not keep it', async () => {
      const id = await newJob(reboot);
      const [late, next] = [randomUUID(), randomUUID()];
      const lost = (await takeJob(node.database, late, 0))!;
      const job = (await takeJob(node.database, next, 60))!;
      const items = await node.database.query<{ device_uid: number }>('SELECT device_uid FROM job_item');
      const ends = items.map(it => ({ deviceUid: it.device_uid, reason: null, detail: null }));
      const end = { ends, position: 0, pauseMs: 0, cancelPauseMs: 0, isCancelled: false };
      await keepJob(node.database, late, id, 0);
      assert.equal(await takeJob(node.database, randomUUID(), 0), undefined);
      assert.equal(await endTurn(node.database, late, lost, end), false);
      assert.deepEqual(await stateOf(id), { state: 'running', pending: 5, done: 0 });
      assert.equal(await endTurn(node.database, next, job, end), true);
      assert.deepEqual(await stateOf(id), { state: 'completed', pending: 0, done: 5 });
    });

    test('jobs take turns: a long one does not keep a short one waiting', async () => {
      const long = await newJob(reboot);
      const short = await newJob(reboot);
      const turns: string[] = [];
      for (let i = 0; i < 4; i++) {
        const instance = randomUUID();
        const job = (await takeJob(node.database, instance, 60))!;
        turns.push(job.job_id);
        await endTurn(node.database, instance, job, {
          ends: [],
          position: 0,
          pauseMs: 0,
          cancelPauseMs: 0,
          isCancelled: false,
        });
      }
      assert.deepEqual(turns, [long, short, long, short]);
    });

    test('a lease is prolonged as long as the turn goes on', async () => {
      const id = await newJob(reboot);
      const way = new Overheard();
      const hold = Promise.withResolvers<void>();
      const isHeld = Promise.withResolvers<void>();
      const between = way.between;
      const slow: Ingress = {
        load: () => 0,
        receive: (uplink, settled) => {
          isHeld.resolve();
          void hold.promise.then(() => between(real).receive(uplink, settled));
        },
      };
      const { log } = node;
      const { limits } = node.config;
      const types = new TypeCommands(node.database, 10);
      const parts = { database: node.database, ingress: slow, types, limits, instanceId: randomUUID(), log };
      const working = new JobRunner(parts);
      working.start();
      await isHeld.promise;
      // Longer than the lease, during which it would be free for another if nobody prolonged it.
      for (let i = 0; i < 30; i++) {
        assert.equal(await takeJob(node.database, randomUUID(), 0), undefined);
        await new Promise(resolve => setTimeout(resolve, 50));
      }
      hold.resolve();
      assert.equal((await completed(id)).done, 5);
      await working.stop();
    });
  });

/** Who owns which shard, on both engines: leases, takeover and hand-off, as the contract says. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { closeInstance } from '../../../adapters/database/node-sessions.ts';
import { DatabaseOwnershipStore } from '../../../adapters/database/ownership-store.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { ClusterView, Holding } from '../../../contracts/ownership.ts';
import { ENGINE_NAMES, type Subject } from './engines.ts';
import { forgetAll, type Joined, join, letLeaseRunOut, openAlone, startWithSchema } from './runs.ts';

const WELL = { reachable: true, leaving: false };
const numbers = (holdings: readonly Holding[]) => holdings.map(one => one.shard).sort((a, b) => a - b);
const heldBy = (view: ClusterView, instanceId: string | null) =>
  view.shards.filter(one => one.holder === instanceId).map(one => one.shard);
const at = (epoch: number, ...shards: number[]): Holding[] => shards.map(shard => ({ shard, epoch, holder: null }));

for (const engine of ENGINE_NAMES)
  describe(`the record of ownership on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let a: Joined;
    let b: Joined;
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
    });
    after(() => subject?.stop());
    beforeEach(async () => {
      await forgetAll(database);
      a = await join(database, 'a');
      b = await join(database, 'b');
    });
    const member = async (one: Joined) =>
      (await b.store.view()).members.find(({ instanceId }) => instanceId === one.instanceId);
    /** As a dead process is ended by another one, as far as asked for. */
    const end = async (one: Joined, lanes: 'with lanes' | 'but lanes') => {
      await letLeaseRunOut(database, one.instanceId, 60_000);
      assert.equal(await b.store.closeExpired(one.instanceId, 0), true);
      if (lanes === 'with lanes') await b.store.closeLanes(one.instanceId);
    };

    it('shows the members as they say they are, and all shards in their order', async () => {
      await a.store.renew({ reachable: false, leaving: true });
      const { members, shards } = await b.store.view();
      assert.deepEqual(
        members.map(({ leaseMs, ...rest }) => ({ ...rest, leased: leaseMs > 0 && leaseMs <= 10_000 })),
        [
          {
            instanceId: a.instanceId,
            nodeId: 'a',
            address: 'a-address',
            state: 'leaving',
            hosts: true,
            reachable: false,
            leased: true,
          },
          {
            instanceId: b.instanceId,
            nodeId: 'b',
            address: 'b-address',
            state: 'open',
            hosts: true,
            reachable: true,
            leased: true,
          },
        ],
      );
      assert.deepEqual(
        shards,
        Array.from({ length: 256 }, (_, shard) => ({ shard, epoch: 0, holder: null })),
      );
    });

    it('shows a closed member for as long as it holds shards', async () => {
      await a.store.take(at(0, 1));
      await closeInstance(database, a.instanceId);
      assert.equal((await member(a))?.state, 'closed');
      await b.store.take(at(1, 1));
      assert.equal(await member(a), undefined);
    });

    it('shows how long ago a lease ran out, and that one without an end does not', async () => {
      await letLeaseRunOut(database, a.instanceId, 60_000);
      const { leaseMs } = (await member(a))!;
      assert.ok(leaseMs < -59_000 && leaseMs > -120_000, `${leaseMs}`);
      await database.query(`UPDATE node_session SET expires_at = 'infinity' WHERE instance_id = $1`, [a.instanceId]);
      assert.equal((await member(a))?.leaseMs, Number.POSITIVE_INFINITY);
      await a.store.renew(WELL);
      assert.equal((await member(a))?.leaseMs, Number.POSITIVE_INFINITY);
    });

    it('sends the shards only when one has changed hands', async () => {
      const asked: unknown[] = [];
      let sent = 0;
      const counting: Database = Object.create(database, {
        query: {
          value: async (sql: string, params: unknown[]) => {
            asked.push(params[0]);
            const rows = await database.query(sql, params);
            if (rows[0]?.numbers !== null) sent++;
            return rows;
          },
        },
        lane: { value: (name: string) => database.lane(name) },
      });
      const store = new DatabaseOwnershipStore(counting, b.instanceId, LIMITS);
      const first = await store.view();
      assert.equal((await store.view()).shards, first.shards);
      assert.deepEqual([sent, asked], [1, [null, 0]]);
      await a.store.take(at(0, 3, 4));
      assert.deepEqual(heldBy(await store.view(), a.instanceId), [3, 4]);
      await a.store.transfer(at(1, 3), null);
      assert.deepEqual(heldBy(await store.view(), a.instanceId), [4]);
      assert.equal(sent, 3);
      assert.equal((await store.view()).shards.find(one => one.shard === 3)?.epoch, 2);
      assert.deepEqual([sent, asked], [3, [null, 0, 0, 2, 3]]);
      await store.close();
    });

    it('prolongs a lease, also one that ran out and was closed by nobody', async () => {
      await letLeaseRunOut(database, a.instanceId, 60_000);
      assert.equal(await a.store.renew(WELL), true);
      assert.ok((await member(a))!.leaseMs > 0);
      assert.equal(await b.store.closeExpired(a.instanceId, 0), false);
    });

    it('refuses to renew a session that is closed, for ever', async () => {
      await end(a, 'but lanes');
      for (const leaving of [false, true]) assert.equal(await a.store.renew({ reachable: true, leaving }), false);
      assert.deepEqual(await database.query('SELECT state FROM node_session WHERE instance_id = $1', [a.instanceId]), [
        { state: 'closed' },
      ]);
      assert.equal(await new DatabaseOwnershipStore(database, randomUUID(), LIMITS).renew(WELL), false);
    });

    it('closes a session only when its lease and the grace are over', async () => {
      assert.equal(await b.store.closeExpired(a.instanceId, 0), false);
      await letLeaseRunOut(database, a.instanceId, 30_000);
      assert.equal(await b.store.closeExpired(a.instanceId, 60_000), false);
      assert.equal((await member(a))?.state, 'open');
      assert.equal(await b.store.closeExpired(a.instanceId, 20_000), true);
      assert.equal(await b.store.closeExpired(a.instanceId, 20_000), true, 'it was closed before');
      const closedAt = 'SELECT closed_at FROM node_session WHERE instance_id = $1';
      const [before] = await database.query(closedAt, [a.instanceId]);
      await b.store.closeExpired(a.instanceId, 0);
      assert.deepEqual(await database.query(closedAt, [a.instanceId]), [before]);
    });

    it('answers that a session is closed which ended by itself while its lease ran', async () => {
      await closeInstance(database, a.instanceId);
      assert.equal(await b.store.closeExpired(a.instanceId, 60_000), true);
    });

    it('closes the lanes of a closed session, and of no other; then its commits stop at the fence', async () => {
      const writer = new ActorStore(database, a.instanceId, 2);
      await b.store.closeLanes(a.instanceId);
      await writer.commit(0, [], false);
      await end(a, 'but lanes');
      // Being closed does not stop a lane, so it is the lanes that have to be.
      await writer.commit(0, [], false);
      await b.store.closeLanes(a.instanceId);
      for (const lane of [0, 1]) await assert.rejects(writer.commit(lane, [], false), { kind: 'fenced' });
      await writer.close();
      const other = new ActorStore(database, b.instanceId, 2);
      await other.commit(1, [], false);
      await other.close();
    });

    it('gives shards of nobody, each with the next epoch', async () => {
      const taken = await a.store.take(at(0, 5, 255));
      assert.deepEqual(
        taken.sort((x, y) => x.shard - y.shard),
        [5, 255].map(shard => ({ shard, epoch: 1, holder: a.instanceId })),
      );
      assert.deepEqual(await a.store.take([]), []);
    });

    it('gives nothing for an epoch that is over', async () => {
      await a.store.take(at(0, 1, 2));
      await a.store.transfer(at(1, 1), null);
      assert.deepEqual(await b.store.take(at(0, 1)), []);
      assert.deepEqual(await b.store.take(at(1, 1)), []);
      assert.deepEqual(numbers(await b.store.take([...at(2, 1), ...at(0, 2)])), [1]);
    });

    it('gives nothing of a holder that is not closed, however long its lease is over', async () => {
      await a.store.take(at(0, 1));
      await letLeaseRunOut(database, a.instanceId, 3_600_000);
      assert.deepEqual(await b.store.take(at(1, 1)), []);
    });

    it('gives shards of a closed holder only after its lanes were closed', async () => {
      await a.store.take(at(0, 1, 2));
      await end(a, 'but lanes');
      assert.deepEqual(await b.store.take(at(1, 1, 2)), []);
      await b.store.closeLanes(a.instanceId);
      assert.deepEqual(numbers(await b.store.take(at(1, 1, 2))), [1, 2]);
    });

    it('gives nothing to a session that is closed, or that hosts no actors', async () => {
      await end(a, 'with lanes');
      assert.deepEqual(await a.store.take(at(0, 1)), []);
      const front = await join(database, 'front', { hosts: false });
      assert.deepEqual(await front.store.take(at(0, 1)), []);
      assert.deepEqual(numbers(await b.store.take(at(0, 1))), [1]);
    });

    it('gives each shard to exactly one of several that want it at once', async () => {
      const nodes = [a, b, await join(database, 'c'), await join(database, 'd')];
      const all = Array.from({ length: 256 }, (_, shard) => shard);
      for (let epoch = 0; epoch < 5; epoch++) {
        const wanted = nodes.map((_, i) => at(epoch * 2, ...(i % 2 ? all : all.toReversed())));
        const taken = await Promise.all(nodes.map((node, i) => node.store.take(wanted[i]!)));
        assert.deepEqual(numbers(taken.flat()), all);
        const { shards } = await b.store.view();
        for (const [i, node] of nodes.entries())
          assert.deepEqual(numbers(taken[i]!), numbers(shards.filter(one => one.holder === node.instanceId)));
        await Promise.all(nodes.map((node, i) => node.store.transfer(taken[i]!, null)));
      }
    });

    it('hands own shards to another open session, or to nobody', async () => {
      const mine = await a.store.take(at(0, 1, 2, 3));
      const given = await a.store.transfer(
        mine.filter(one => one.shard < 3),
        b.instanceId,
      );
      assert.deepEqual(
        given.sort((x, y) => x.shard - y.shard),
        [1, 2].map(shard => ({ shard, epoch: 2, holder: b.instanceId })),
      );
      assert.deepEqual(await a.store.transfer(at(1, 3), null), [{ shard: 3, epoch: 2, holder: null }]);
      const view = await b.store.view();
      assert.deepEqual([heldBy(view, a.instanceId), heldBy(view, b.instanceId)], [[], [1, 2]]);
    });

    it('hands over nothing that is another one`s, nobody`s, or of another epoch', async () => {
      await a.store.take(at(0, 1));
      assert.deepEqual(await b.store.transfer(at(1, 1), b.instanceId), []);
      assert.deepEqual(await b.store.transfer(at(1, 1), null), []);
      assert.deepEqual(await a.store.transfer(at(0, 2), b.instanceId), []);
      assert.deepEqual(await a.store.transfer(at(0, 1), b.instanceId), []);
      assert.deepEqual(numbers(await a.store.transfer(at(1, 1), b.instanceId)), [1]);
    });

    it('hands over nothing to a session that is closed, leaving, without actors, or not there', async () => {
      await b.store.take(at(0, 1));
      const leaving = await join(database, 'leaving');
      await leaving.store.renew({ reachable: true, leaving: true });
      const front = await join(database, 'front', { hosts: false });
      await end(a, 'with lanes');
      for (const to of [a.instanceId, leaving.instanceId, front.instanceId, randomUUID()])
        assert.deepEqual(await b.store.transfer(at(1, 1), to), []);
      assert.deepEqual(heldBy(await b.store.view(), b.instanceId), [1]);
      await leaving.store.renew(WELL);
      assert.deepEqual(numbers(await b.store.transfer(at(1, 1), leaving.instanceId)), [1]);
    });

    it('lets a closed session hand over nothing: that is for those who closed its lanes', async () => {
      await a.store.take(at(0, 1));
      await end(a, 'but lanes');
      assert.deepEqual(await a.store.transfer(at(1, 1), b.instanceId), []);
    });

    it('lets a cluster take over from a process that was alone, once it is closed', async () => {
      await forgetAll(database);
      const alone = await openAlone(database);
      b = await join(database, 'b', {});
      assert.deepEqual(await b.store.take(at(1, 0)), []);
      await closeInstance(database, alone);
      assert.equal((await b.store.take((await b.store.view()).shards)).length, 256);
    });
  });

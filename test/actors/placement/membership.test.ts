import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Membership } from '../../../actors/placement/membership.ts';
import { ShardMap } from '../../../actors/placement/shard-map.ts';
import { SHARDS } from '../../../contracts/addresses.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Moved } from '../../../contracts/ownership.ts';
import { ManualTime } from '../runtime/manual-time.ts';
import { Record } from './record.ts';

/** One node with its part of the record; `host` only notes what it is told. */
function node(record: Record, time: ManualTime, name: string) {
  const instanceId = record.join(name, time.nowMs());
  const told: Moved[] = [];
  const seen = {
    fenced: 0,
    suspended: false,
    reachable: true,
    served: new Map<number, number>(),
    steps: [] as string[],
  };
  const store = record.client(instanceId, () => time.nowMs(), seen.steps);
  const shards = new ShardMap();
  const membership = new Membership({
    clock: time,
    scheduler: time,
    limits: LIMITS,
    instanceId,
    address: name,
    store,
    shards,
    host: {
      admit: holdings => {
        for (const { shard, epoch } of holdings) seen.served.set(shard, epoch);
      },
      release: async released => {
        for (const shard of released) seen.served.delete(shard);
        seen.steps.push('release');
      },
    },
    isReachable: () => seen.reachable,
    announce: moved => told.push(moved),
    onFenced: () => seen.fenced++,
  });
  return { instanceId, membership, seen, told, store, shards };
}

function setUp() {
  const record = new Record();
  const time = new ManualTime();
  return { record, time, add: (name: string) => node(record, time, name) };
}
const LEASE_MS = LIMITS.leaseSeconds * 1_000;

/** Two nodes that have shared the shards for a while. */
async function twoNodes() {
  const { record, time, add } = setUp();
  const [a, b] = [add('a'), add('b')];
  await a.membership.start();
  await b.membership.start();
  await time.pass(40_000);
  return { record, time, a, b };
}

describe('membership', () => {
  it('of the first node takes every shard at once', async () => {
    const { record, time, add } = setUp();
    const a = add('a');
    await a.membership.start();
    await time.settle();
    assert.equal(record.heldBy(a.instanceId), SHARDS);
    assert.equal(a.seen.served.size, SHARDS);
    assert.equal(a.told.flatMap(it => it.shards).length, SHARDS, 'and all are told');
  });

  it('shares with a node that joins when both have been there for a while, and not before', async () => {
    const { record, time, add } = setUp();
    const a = add('a');
    await a.membership.start();
    await time.pass(20_000);
    const b = add('b');
    await b.membership.start();
    await time.pass(LIMITS.membershipStableSeconds * 1_000 - 1_000);
    assert.equal(record.heldBy(b.instanceId), 0);
    await time.pass(5_000);
    assert.equal(record.heldBy(b.instanceId), SHARDS / 2);
    assert.deepEqual([a.seen.served.size, b.seen.served.size], [SHARDS / 2, SHARDS / 2]);
    for (const [shard, epoch] of b.seen.served) assert.equal(record.shards[shard]!.epoch, epoch);
    assert.equal(a.shards.ownerOf([...b.seen.served.keys()][0]!)!.address, 'b', 'and routers know');
  });

  it('takes the shards of a node that died, after its lease and grace: session first, then lanes, then shards', async () => {
    const { record, time, a, b } = await twoNodes();
    const share = record.heldBy(b.instanceId);
    assert.ok(share > 0);
    b.membership.stop();
    await time.pass(LEASE_MS - LIMITS.leaseRenewalMs - 500);
    assert.equal(record.heldBy(b.instanceId), share, 'not before its lease ran out');
    a.seen.steps.length = 0;
    await time.pass(LEASE_MS);
    assert.equal(record.heldBy(a.instanceId), SHARDS);
    const order = ['closeExpired', 'closeLanes', 'take'].map(step => a.seen.steps.indexOf(step));
    assert.ok(order[0]! >= 0 && order[0]! < order[1]! && order[1]! < order[2]!, a.seen.steps.join());
  });

  it('gives everything away when it leaves, and takes nothing more', async () => {
    const { record, time, a, b } = await twoNodes();
    const left = a.membership.leave();
    await time.pass(2_000);
    await left;
    assert.deepEqual([record.heldBy(a.instanceId), a.seen.served.size], [0, 0]);
    assert.equal(record.heldBy(b.instanceId), SHARDS);
    await time.pass(30_000);
    assert.equal(record.heldBy(a.instanceId), 0);
    assert.equal(a.membership.condition().condition, 'unhealthy');
  });

  it('leaves at once when there is nobody to give to', async () => {
    const { record, time, add } = setUp();
    const a = add('a');
    await a.membership.start();
    await time.settle();
    const left = a.membership.leave();
    await time.pass(1_000);
    await left;
    assert.equal(record.heldBy(a.instanceId), SHARDS, 'whoever comes next takes them from the closed session');
  });

  it('is not fit while its lease may have run out, and goes on when it turns out to be good', async () => {
    const { record, time, add } = setUp();
    const a = add('a');
    await a.membership.start();
    await time.settle();
    const condition = () => a.membership.condition().condition;
    record.isAway = true;
    await time.pass(LEASE_MS - 1_000);
    assert.equal(condition(), 'healthy');
    await time.pass(2_000);
    assert.equal(condition(), 'unhealthy');
    record.isAway = false;
    await time.pass(2_000);
    assert.deepEqual([condition(), a.seen.fenced], ['healthy', 0]);
  });

  it('ends when its session was closed by another', async () => {
    const { record, time, add } = setUp();
    const a = add('a');
    await a.membership.start();
    record.close(a.instanceId);
    await time.pass(3_000);
    assert.equal(a.seen.fenced, 1);
  });

  it('closes nobody right after an outage of the database: all leases ran out, and all get the time to come back', async () => {
    const { record, time, a, b } = await twoNodes();
    record.isAway = true;
    await time.pass(60_000);
    record.isAway = false;
    // One comes back later than the other.
    record.isAwayFor.add(b.instanceId);
    await time.pass(5_000);
    record.isAwayFor.delete(b.instanceId);
    await time.pass(5_000);
    assert.deepEqual([a.seen.fenced, b.seen.fenced], [0, 0]);
    assert.deepEqual([record.heldBy(a.instanceId), record.heldBy(b.instanceId)], [SHARDS / 2, SHARDS / 2]);
    record.isAwayFor.add(b.instanceId);
    await time.pass(30_000);
    assert.equal(record.heldBy(a.instanceId), SHARDS, 'one that stays away is replaced (the control)');
  });

  it('closes nobody after an outage either when it can look at the record before its own lease is renewed', async () => {
    const { record, time, a, b } = await twoNodes();
    record.isAway = true;
    await time.pass(60_000);
    record.failRenewals = true;
    record.isAway = false;
    await time.pass(1_500);
    record.failRenewals = false;
    await time.pass(10_000);
    assert.deepEqual([a.seen.fenced, b.seen.fenced], [0, 0]);
  });

  it('gives its shards to those that the bus reaches when it is cut off by itself', async () => {
    const { record, time, a, b } = await twoNodes();
    a.seen.reachable = false;
    await time.pass(5_000);
    assert.equal(record.heldBy(a.instanceId), SHARDS / 2, 'not at once: all may be cut off');
    await time.pass(10_000);
    assert.equal(record.heldBy(b.instanceId), SHARDS);
    a.seen.reachable = true;
    await time.pass(25_000);
    assert.equal(record.heldBy(a.instanceId), SHARDS / 2, 'and gets some back');
  });

  it('moves nothing when the bus is away for all', async () => {
    const { record, time, a, b } = await twoNodes();
    const epochs = record.shards.map(it => it.epoch);
    a.seen.reachable = false;
    await time.pass(2_000);
    b.seen.reachable = false;
    await time.pass(60_000);
    assert.deepEqual(
      record.shards.map(it => it.epoch),
      epochs,
    );
  });

  it('brings back what it was to give away when the transfer failed, in a new epoch', async () => {
    const { record, time, add } = setUp();
    const [a, b] = [add('a'), add('b')];
    await a.membership.start();
    await b.membership.start();
    record.failTransfers = 1;
    await time.pass(LIMITS.membershipStableSeconds * 1_000 + 10_000);
    assert.equal(record.heldBy(a.instanceId) + record.heldBy(b.instanceId), SHARDS);
    for (const { shard, holder, epoch } of record.shards)
      assert.equal((holder === a.instanceId ? a : b).seen.served.get(shard), epoch);
  });
});

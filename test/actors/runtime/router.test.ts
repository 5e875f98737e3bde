import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Owner, ShardMap } from '../../../actors/placement/shard-map.ts';
import { Router } from '../../../actors/runtime/router.ts';
import { LIMITS, type Limits } from '../../../contracts/limits.ts';
import type { Holding } from '../../../contracts/ownership.ts';
import { type Batch, MOVED, NOT_OWNER, type Outcome, STORED, UNKNOWN } from '../../../contracts/uplinks.ts';
import { everything } from './holdings.ts';
import { ManualTime } from './manual-time.ts';
import { uplink } from './uplinks.ts';

type Sent = { owner: Owner; batch: Batch; answer: (outcomes: Outcome[]) => void; fail: (type: string) => void };

const member = (instanceId: string) =>
  ({
    instanceId,
    nodeId: instanceId,
    address: instanceId,
    state: 'open',
    hosts: true,
    reachable: true,
    leaseMs: 1,
  }) as const;

function setUp(only: Partial<Limits> = {}, holdings: readonly Holding[] = everything('n0')) {
  const time = new ManualTime();
  const sent: Sent[] = [];
  const shards = new ShardMap();
  const learn = (now: readonly Holding[], live = ['n0', 'n1']) =>
    shards.learn({ members: live.map(member), shards: now });
  learn(holdings);
  let ids = 0;
  const router = new Router({
    clock: time,
    scheduler: time,
    random: { uuid: () => `id-${++ids}`, fraction: () => 0 },
    limits: { ...LIMITS, batchGatherMs: 0, ...only },
    instanceId: 'me',
    shards,
    deliver: (owner, batch) =>
      new Promise((answer, reject) => {
        sent.push({ owner, batch, answer, fail: type => reject(Object.assign(new Error(type), { type })) });
      }),
  });
  const outcomes: string[] = [];
  const send = (device: string, name = device, session = 1) =>
    router.receive(uplink(device, name, { session }), outcome => outcomes.push(`${name} ${outcome.state}`));
  return { time, sent, router, shards, learn, outcomes, send };
}
const names = (sent: Sent | undefined) => sent?.batch.uplinks.map(one => Buffer.from(one.payload).toString());
const all = (sent: Sent, outcome: Outcome = STORED) => sent.answer(sent.batch.uplinks.map(() => outcome));

describe('a router', () => {
  it('sends at once when nothing is under way, and lets the rest gather behind the batches that are', async () => {
    const { time, sent, outcomes, send } = setUp({ batchesUnderWay: 2 });
    for (const name of ['a', 'b', 'c', 'd']) {
      send(name);
      await time.settle();
    }
    assert.deepEqual(sent.map(names), [['a'], ['b']]);
    all(sent[0]!);
    await time.settle();
    assert.deepEqual(names(sent[2]), ['c', 'd']);
    all(sent[1]!);
    all(sent[2]!);
    await time.settle();
    assert.deepEqual(outcomes, ['a stored', 'b stored', 'c stored', 'd stored']);
  });

  it('lets messages for another node gather after a batch left, and sends at once after a pause', async () => {
    const { time, sent, send } = setUp({ batchGatherMs: 5 });
    send('a');
    await time.settle();
    for (const name of ['b', 'c']) send(name);
    await time.settle();
    assert.deepEqual(sent.map(names), [['a']]);
    await time.pass(5);
    assert.deepEqual(sent.map(names), [['a'], ['b', 'c']]);
    await time.pass(5);
    send('d');
    await time.settle();
    assert.deepEqual(names(sent[2]), ['d']);
  });

  it('does not wait for its own actors', async () => {
    const { time, sent, learn, send } = setUp({ batchGatherMs: 5 });
    learn(everything('me', 2), ['me']);
    send('a');
    await time.settle();
    send('b');
    await time.settle();
    assert.deepEqual(sent.map(names), [['a'], ['b']]);
  });

  it('keeps batches apart by owner, and within their bounds', async () => {
    const holdings = everything('n0').map(it => ({ ...it, holder: `n${it.shard % 2}` }));
    const { time, sent, send } = setUp({ batchMaxMessages: 2 }, holdings);
    for (let i = 0; i < 12; i++) send(`d${i}`);
    await time.settle();
    assert.deepEqual([...new Set(sent.map(it => it.owner.instance))].toSorted(), ['n0', 'n1']);
    for (const { owner, batch } of sent) {
      assert.ok(batch.uplinks.length <= 2);
      assert.ok(batch.uplinks.every(one => `n${one.address.shard % 2}` === owner.instance));
    }
  });

  it('numbers its batches, names the epoch of each shard, and says until when they count', async () => {
    const { time, sent, send } = setUp({}, everything('n0', 7));
    send('a');
    await time.settle();
    send('b');
    await time.settle();
    assert.deepEqual(
      sent.map(({ batch }) => [batch.instance, batch.sequence, batch.epochs]),
      [
        ['n0', 0, [7]],
        ['n0', 1, [7]],
      ],
    );
    assert.equal(sent[0]!.batch.stream, sent[1]!.batch.stream);
    assert.equal(sent[0]!.batch.deadlineMs, time.nowMs() + LIMITS.commitPatienceSeconds * 1_000);
  });

  it('sends a batch without an answer again as it was, and takes too short an answer for what it says', async () => {
    const { time, sent, outcomes, send } = setUp();
    send('a');
    await time.settle();
    sent[0]!.fail('REQUEST_TIMEOUT');
    await time.pass(100);
    assert.deepEqual(sent[1]!.batch, sent[0]!.batch);
    all(sent[1]!);
    send('b');
    send('c');
    await time.settle();
    sent[2]!.answer([STORED]);
    await time.settle();
    assert.deepEqual(outcomes, ['a stored', 'b stored', 'c unknown']);
  });

  it('cuts the sender off when no answer comes until the deadline, and what its session sent after it too', async () => {
    const { time, sent, outcomes, send } = setUp({ batchesUnderWay: 1 });
    send('a', 'a1');
    await time.settle();
    send('a', 'a2');
    send('b');
    for (let ms = 0; ms < LIMITS.commitPatienceSeconds * 1_000; ms += 100) {
      assert.deepEqual(outcomes, []);
      sent.at(-1)!.fail('REQUEST_TIMEOUT');
      await time.pass(100);
    }
    await time.pass(100);
    assert.equal(outcomes[0], 'a1 unknown');
    assert.ok(outcomes.includes('a2 unknown'));
    assert.ok(!sent.some(it => names(it)!.includes('a2')), 'a2 was never sent');
  });

  it('knows that what was under way to an instance that is gone is lost', async () => {
    const { time, sent, learn, outcomes, send } = setUp();
    send('a');
    await time.settle();
    learn(everything('n1', 2), ['n1']);
    await time.pass(100);
    assert.deepEqual(outcomes, ['a unknown'], 'without waiting for the call to fail');
    sent[0]!.answer([STORED]);
    await time.settle();
    assert.deepEqual(outcomes, ['a unknown']);
  });

  it('gives to the new owner what was never sent to the one that is gone', async () => {
    const { time, sent, learn, outcomes, send } = setUp();
    send('a');
    await time.settle();
    sent[0]!.fail('unreachable');
    await time.settle();
    learn(everything('n1', 2), ['n1']);
    await time.pass(200);
    assert.deepEqual([sent[1]!.owner.instance, names(sent[1])], ['n1', ['a']]);
    all(sent[1]!);
    await time.settle();
    assert.deepEqual(outcomes, ['a stored']);
  });

  it('keeps the order of a device whose shard moves: what came back goes first, and all to the new owner', async () => {
    const { time, sent, learn, outcomes, send } = setUp({ batchMaxMessages: 1 });
    for (const name of ['a1', 'a2', 'a3']) send('a', name);
    await time.settle();
    assert.deepEqual(sent.map(names), [['a1'], ['a2'], ['a3']]);
    // The answers come in another order, and more is sent meanwhile.
    all(sent[1]!, MOVED);
    await time.settle();
    all(sent[0]!, MOVED);
    await time.settle();
    send('a', 'a4');
    learn(everything('n1', 2));
    await time.pass(100);
    assert.equal(sent.length, 3, 'nothing goes to the new owner while something is under way to the old one');
    all(sent[2]!, NOT_OWNER);
    await time.pass(100);
    assert.deepEqual(sent.slice(3).map(names), [['a1'], ['a2'], ['a3'], ['a4']]);
    assert.ok(sent.slice(3).every(it => it.owner.instance === 'n1' && it.batch.epochs[0] === 2));
    for (const it of sent.slice(3)) all(it);
    await time.settle();
    assert.deepEqual(outcomes, ['a1 stored', 'a2 stored', 'a3 stored', 'a4 stored']);
  });

  it('tells senders in the order of their messages, also when a later batch is answered first', async () => {
    const { time, sent, outcomes, send } = setUp({ batchMaxMessages: 1 });
    for (const name of ['a1', 'a2', 'a3']) send('a', name);
    await time.settle();
    all(sent[2]!);
    all(sent[1]!);
    await time.settle();
    assert.deepEqual(outcomes, []);
    all(sent[0]!);
    await time.settle();
    assert.deepEqual(outcomes, ['a1 stored', 'a2 stored', 'a3 stored']);
  });

  it('lets what is queued for an owner wait behind what came back from it', async () => {
    const { time, sent, send } = setUp({ batchMaxMessages: 1, batchesUnderWay: 1 });
    for (const name of ['a1', 'a2']) send('a', name);
    await time.settle();
    all(sent[0]!, MOVED);
    await time.settle();
    assert.deepEqual(sent.map(names), [['a1']]);
    await time.pass(100);
    assert.deepEqual(sent.slice(1).flatMap(names), ['a1']);
    all(sent[1]!);
    await time.settle();
    assert.deepEqual(sent.slice(2).flatMap(names), ['a2']);
  });

  it('sends nothing in a newer epoch while something of the shard is under way in an older one', async () => {
    const { time, sent, learn, send } = setUp();
    send('a', 'a1');
    await time.settle();
    learn(everything('n0', 3));
    send('a', 'a2');
    await time.pass(100);
    assert.deepEqual(sent.map(names), [['a1']]);
    all(sent[0]!, NOT_OWNER);
    await time.pass(100);
    assert.deepEqual(sent.slice(1).flatMap(names), ['a1', 'a2']);
  });

  it('holds back only the shard that moves', async () => {
    const { time, sent, outcomes, send } = setUp();
    send('a');
    send('b');
    await time.settle();
    sent[0]!.answer([MOVED, STORED]);
    send('b', 'b2');
    await time.settle();
    all(sent[1]!);
    await time.settle();
    assert.deepEqual(outcomes, ['b stored', 'b2 stored']);
  });

  it('waits for an owner, but no longer than its patience', async () => {
    const { time, sent, learn, outcomes, send } = setUp({}, everything(null));
    send('a');
    await time.pass(5_000);
    assert.equal(sent.length, 0);
    learn(everything('n1', 2));
    await time.settle();
    assert.deepEqual(names(sent[0]), ['a']);
    all(sent[0]!);
    learn(everything(null, 3));
    send('b');
    await time.pass(LIMITS.commitPatienceSeconds * 1_000 + 100);
    assert.deepEqual(outcomes, ['a stored', 'b unknown']);
  });

  it('lets a batch that was given up end its stream: the others of it end first, then a new one begins', async () => {
    const { time, sent, send } = setUp({ batchMaxMessages: 1, batchesUnderWay: 2 });
    for (const name of ['a', 'b', 'c']) send(name);
    await time.settle();
    sent[0]!.fail('not_owner');
    await time.settle();
    assert.equal(sent.length, 2, 'c waits');
    all(sent[1]!);
    await time.pass(100);
    assert.deepEqual(sent.slice(2).flatMap(names).toSorted(), ['a', 'c']);
    assert.notEqual(sent[2]!.batch.stream, sent[0]!.batch.stream);
    assert.equal(sent[2]!.batch.sequence, 0);
  });

  it('refuses beyond its limit, and takes again when there is room', async () => {
    const { time, sent, router, outcomes, send } = setUp({ ingressMaxMessages: 2 });
    for (const name of ['a', 'b', 'c']) send(name);
    assert.deepEqual(outcomes, ['c overloaded']);
    assert.equal(router.load(), 1);
    await time.settle();
    all(sent[0]!);
    await time.settle();
    assert.equal(router.load(), 0);
    send('c');
    await time.settle();
    all(sent[1]!, UNKNOWN);
    await time.settle();
    assert.deepEqual(outcomes, ['c overloaded', 'a stored', 'b stored', 'c unknown']);
    assert.deepEqual(router.figures(), { underWay: 0, underWayBytes: 0, refused: 1, shardsHeld: 0 });
  });

  it('counts bytes as well as messages', () => {
    const { outcomes, send } = setUp({ ingressMaxBytes: 2 });
    for (const name of ['a', 'b', 'c']) send(name);
    assert.deepEqual(outcomes, ['c overloaded']);
  });
});

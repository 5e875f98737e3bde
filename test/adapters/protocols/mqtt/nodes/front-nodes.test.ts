import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrontNetwork } from './front-network.ts';

const TOPIC = 'devices/d1/telemetry';

/** Three nodes that know each other. */
async function start() {
  const network = new FrontNetwork();
  const a = await network.add('a');
  const b = await network.add('b');
  const c = await network.add('c');
  await network.time.pass(2_000);
  return { network, a, b, c, time: network.time };
}

test('an application gets what devices of another node send, once; a node without applications gets nothing', async () => {
  const { network, a, b, time } = await start();
  const one = a.subscribe('t', 'devices/#');
  const two = a.subscribe('t', 'devices/d1/+', 0);
  const stranger = a.subscribe('other', 'devices/#');
  await time.pass(100);
  for (const it of [one, two, stranger]) assert.equal(it.granted(), true);
  b.publish('t', TOPIC, 'x');
  b.publish('t', 'devices/d2/telemetry', 'y');
  await time.settle();
  assert.deepEqual([one.application.got, two.application.got, stranger.application.got], [['x', 'y'], ['x'], []]);
  assert.deepEqual([network.count('b forward a'), network.count('b forward c')], [1, 0]);
  assert.deepEqual([b.figures.forwardedToNodes, a.figures.forwardedFromNodes], [2, 2]);
  assert.equal(a.figures.forwardedToNodes, 0, 'what came from a node goes to no other');
});

test('what nobody wants any more is sent no more', async () => {
  const { network, a, b, time } = await start();
  const { application } = a.subscribe('t', 'devices/#');
  await time.pass(100);
  a.unsubscribe(application);
  await time.pass(100);
  assert.equal(b.audience.isEmpty, true);
  b.publish('t', TOPIC, 'x');
  await time.settle();
  assert.equal(network.count('b forward a'), 0);
});

test('a node that is alone tells nobody anything, and never waits', async () => {
  const network = new FrontNetwork();
  const a = await network.add('a');
  const { granted } = a.subscribe('t', 'devices/#');
  assert.equal(a.nodes.told(), undefined);
  a.nodes.claim({ tenant: 't', clientId: 'c', number: 1, instance: 'run-1' });
  await network.time.pass(60_000);
  assert.equal(granted(), true);
  assert.deepEqual([network.calls, a.claims], [[], []]);
});

test('a node that starts knows what the others want before its first device can send', async () => {
  const { network, a, time } = await start();
  const { application } = a.subscribe('t', 'devices/#');
  await time.pass(100);
  const d = await network.add('d');
  d.publish('t', TOPIC, 'first');
  await time.pass(60_000);
  assert.deepEqual([application.got, application.missedCount], [['first'], 0]);
});

test('a subscription waits for the nodes that answer, and not again for one that did not', async () => {
  const { network, a, time } = await start();
  network.cut('a', 'c');
  const first = a.subscribe('t', 'devices/x');
  await time.pass(500);
  assert.equal(first.granted(), false);
  await time.pass(600);
  assert.equal(first.granted(), true);
  const second = a.subscribe('t', 'devices/y');
  await time.pass(100);
  assert.equal(second.granted(), true);
});

test('a node that heard of a subscription only after it was granted may have missed something for it', async () => {
  const { network, a, c, time } = await start();
  const stranger = a.subscribe('other', 'devices/#').application;
  await time.pass(1_100);
  network.cut('a', 'c');
  const { application } = a.subscribe('t', 'devices/#');
  await time.pass(1_100);
  c.publish('t', TOPIC, 'unheard');
  network.heal();
  await time.pass(3_000);
  assert.deepEqual([application.got, application.missedCount], [[], 1]);
  c.publish('t', TOPIC, 'heard');
  await time.pass(10_000);
  assert.deepEqual([application.got, application.missedCount, stranger.missedCount], [['heard'], 1, 0]);
});

test('messages that never arrive are told: who wanted them is disconnected, and nobody of another tenant', async () => {
  const { network, a, b, time } = await start();
  const ours = a.subscribe('t', 'devices/#').application;
  const theirs = a.subscribe('other', 'devices/#').application;
  await time.pass(100);
  network.cut('b', 'a');
  b.publish('t', TOPIC, 'lost');
  await time.pass(4_000);
  network.heal();
  await time.pass(4_000);
  assert.deepEqual([ours.got, ours.missedCount, theirs.missedCount], [[], 1, 0]);
});

test('a link that is cut for a moment loses nothing', async () => {
  const { network, a, b, time } = await start();
  const { application } = a.subscribe('t', 'devices/#');
  await time.pass(100);
  network.cut('b', 'a');
  b.publish('t', TOPIC, '1');
  await time.pass(500);
  network.heal();
  b.publish('t', TOPIC, '2');
  await time.pass(30_000);
  assert.deepEqual([application.got, application.missedCount], [['1', '2'], 0]);
});

test('a node that is silent is forgotten; when it comes back it is as if messages had been lost', async () => {
  const { network, a, b, time } = await start();
  const { application } = a.subscribe('t', 'devices/#');
  await time.pass(100);
  network.cut('a', 'b');
  network.cut('b', 'a');
  await time.pass(12_000);
  assert.equal(application.missedCount, 1);
  assert.equal(b.audience.isEmpty, true);
  b.publish('t', TOPIC, 'while apart');
  network.heal();
  await time.pass(5_000);
  assert.equal(application.missedCount, 2);
  b.publish('t', TOPIC, 'together');
  await time.pass(10_000);
  assert.deepEqual([application.got, application.missedCount], [['together'], 2]);
});

for (const how of ['kill', 'vanish'] as const)
  test(`a node that dies (${how}) may have had messages for all; its next run has not`, async () => {
    const { network, a, time } = await start();
    const { application } = a.subscribe('t', 'devices/#');
    const elsewhere = a.subscribe('u', 'devices/#').application;
    await time.pass(100);
    network[how]('b');
    await time.pass(12_000);
    assert.deepEqual([application.missedCount, elsewhere.missedCount], [1, 1]);
    const again = await network.add('b');
    again.publish('t', TOPIC, 'x');
    await time.pass(10_000);
    assert.deepEqual([application.got, application.missedCount], [['x'], 1]);
  });

test('a node that restarts before anybody noticed: its last run may have had messages, and its interest is gone', async () => {
  const { network, a, b, time } = await start();
  const { application } = a.subscribe('t', 'devices/#');
  b.subscribe('t', 'devices/#');
  await time.pass(100);
  network.vanish('b');
  await network.add('b');
  await time.pass(3_000);
  assert.equal(application.missedCount, 1);
  assert.deepEqual(a.audience.targets('t', TOPIC).length, 1);
});

test('a node that stops lets its messages arrive and says bye: nobody is disconnected', async () => {
  const { network, a, b, time } = await start();
  const { application } = a.subscribe('t', 'devices/#');
  b.subscribe('t', 'devices/#');
  await time.pass(100);
  b.publish('t', TOPIC, 'last');
  const stopped = b.nodes.stop();
  await time.pass(3_000);
  await stopped;
  network.kill('b');
  await time.pass(60_000);
  assert.deepEqual([application.got, application.missedCount], [['last'], 0]);
  assert.equal(a.audience.targets('t', TOPIC).length, 1);
});

test('a node that stops while its messages can not arrive says what is lost, if it can', async () => {
  const { network, a, b, time } = await start();
  const { application } = a.subscribe('t', 'devices/#');
  await time.pass(100);
  network.cut('b', 'a');
  b.publish('t', TOPIC, 'lost');
  const stopped = b.nodes.stop();
  await time.pass(1_900);
  network.heal();
  await time.pass(2_000);
  await stopped;
  assert.equal(application.missedCount + application.got.length, 1);
});

test('the clients of applications are claimed only where others are', async () => {
  const { a } = await start();
  a.nodes.claim({ tenant: 't', clientId: 'c', number: 1, instance: 'run-1' });
  assert.deepEqual(a.claims, ['c']);
});

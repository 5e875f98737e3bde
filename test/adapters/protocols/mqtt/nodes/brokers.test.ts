import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ServiceBroker } from 'moleculer';
import pino from 'pino';
import { readConfig } from '../../../../../config.ts';
import { access } from '../../../../../contracts/access.contract.ts';
import { call, implement } from '../../../../../contracts/contract.ts';
import { SkeinError } from '../../../../../contracts/errors.ts';
import { mqtt } from '../../../../../contracts/mqtt.contract.ts';
import { brokerOptions } from '../../../../../moleculer.config.ts';
import { Fronts } from '../../../../../services/fronts.ts';
import { otherFrontNodes } from '../../../../../services/mqtt/front-bus.ts';
import { mqttService } from '../../../../../services/mqtt.service.ts';
import { startNats } from '../../../../support/nats.ts';
import { connectRaw, type RawClient } from '../../../../support/raw-client.ts';
import { keys, ScriptedIngress } from '../running-mqtt.ts';

type TestNode = {
  port: number;
  others(): number;
  figures(): Promise<Record<string, number | string>>;
  stop(): Promise<void>;
};

/** Of the database they only read what was revoked. */
const NOTHING_REVOKED = { query: async () => [] } as never;

/** Nodes on a real bus. Their devices have their actors in one ingress, as they have on one database. */
async function start(t: TestContext, names: readonly string[]) {
  const nats = await startNats();
  t.after(() => nats.stop());
  const ingress = new ScriptedIngress();
  const nodes = await Promise.all(names.map(name => startNode(t, name, nats.url, ingress)));
  const others = names.length - 1;
  for (const node of nodes)
    await eventually(async () => node.others() === others && (await node.figures()).otherNodes === others);
  return { nats, ingress, nodes };
}

async function startNode(t: TestContext, name: string, natsUrl: string, ingress: ScriptedIngress): Promise<TestNode> {
  const config = { ...readConfig({ SKEIN_NODE_ID: name }), natsUrl, host: '127.0.0.1', mqttPort: 0 };
  const address = `${name}-run`;
  const broker = new ServiceBroker({ ...brokerOptions(config, address), logger: false });
  broker.createService(
    implement(access, {
      verify: ({ params: { key, username } }) => keys(key, username!),
      verifyCertificate: () => Promise.reject(new SkeinError('unauthorized', 'The certificate is not valid')),
    }),
  );
  const place = { instanceId: `instance of ${name}`, address, nodeId: name };
  broker.createService(
    mqttService(
      { config, database: NOTHING_REVOKED, log: pino({ level: 'silent' }), http: createServer() },
      ingress,
      place,
      new Fronts(),
    ),
  );
  await broker.start();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= broker.stop();
    return stopped;
  };
  t.after(stop);
  const figures = async () => (await call(broker, mqtt.health, {}, { nodeID: address })).figures;
  /** Those that can be asked. */
  const others = () => otherFrontNodes(broker).length;
  return { port: Number((await figures()).port), others, figures, stop };
}

async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (await holds()) return;
    await wait(10);
  }
  throw new Error(`did not come true: ${holds}`);
}

async function subscribe(t: TestContext, { port }: TestNode, username: string, qos: 0 | 1, clientId = username) {
  const application = await connectRaw(t, port, 5, { username, key: 'application', clientId });
  application.subscribe(['devices/#'], qos);
  assert.equal((await application.nextOf('suback')).granted[0], qos);
  return application;
}

async function publish(device: RawClient, text: string): Promise<void> {
  device.publish('devices/d1/telemetry', text, { properties: { contentType: 'text/plain' } });
  await device.nextOf('puback');
}

const textsOf = ({ packets }: RawClient) => packets.filter(it => it.cmd === 'publish').map(it => `${it.payload}`);

test('an application gets, once, what a device sends to another node; a node without applications gets nothing', async t => {
  const { nodes } = await start(t, ['a', 'b', 'c']);
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode];
  const one = await subscribe(t, a, 'one', 1);
  const two = await subscribe(t, a, 'two', 0);
  const stranger = await subscribe(t, a, 'other/x', 1);
  const device = await connectRaw(t, b.port, 5);
  // SUBACK came, so whatever is sent from now on arrives.
  for (const text of ['1', '2', '3']) await publish(device, text);
  await eventually(() => textsOf(one).length >= 3 && textsOf(two).length >= 3);
  for (const client of [one, two, stranger]) await client.ping();
  assert.deepEqual([textsOf(one), textsOf(two), textsOf(stranger)], [['1', '2', '3'], ['1', '2', '3'], []]);
  const { properties, qos } = one.packets.find(it => it.cmd === 'publish');
  assert.deepEqual([properties.contentType, qos], ['text/plain', 1]);
  const counts = await Promise.all([b, a, c].map(async node => node.figures()));
  assert.deepEqual(
    counts.map(({ forwardedToNodes, forwardedFromNodes }) => [forwardedToNodes, forwardedFromNodes]),
    [
      [3, 0],
      [0, 3],
      [0, 0],
    ],
  );
});

test('while the bus is cut messages are lost: who subscribed with QoS 1 is disconnected, who did with QoS 0 is not', async t => {
  const { nodes, nats } = await start(t, ['a', 'b']);
  const [a, b] = nodes as [TestNode, TestNode];
  const careful = await subscribe(t, a, 'careful', 1);
  const casual = await subscribe(t, a, 'casual', 0);
  const device = await connectRaw(t, b.port, 5);
  await nats.kill('SIGKILL');
  await publish(device, 'lost');
  await eventually(async () => (await b.figures()).forwardsToNodesDropped === 1);
  await nats.restart();
  await careful.closed();
  assert.equal(careful.packets.at(-1).reasonCode, 0x97);
  assert.equal((await a.figures()).missed, 1);
  const again = await subscribe(t, a, 'careful', 1);
  await eventually(async () => (await b.figures()).otherNodes === 1);
  await publish(device, 'together again');
  await eventually(() => textsOf(again).length === 1 && textsOf(casual).length === 1);
  assert.equal(casual.isClosed, false);
});

test('a device that connects to another node is closed where it was; a client id of applications is one for all nodes', async t => {
  const { nodes, ingress } = await start(t, ['a', 'b']);
  const [a, b] = nodes as [TestNode, TestNode];
  const older = await connectRaw(t, a.port, 5);
  const newer = await connectRaw(t, b.port, 5);
  assert.equal((await older.next()).reasonCode, 0x8e);
  await eventually(() => ingress.ended.length === 1);
  assert.deepEqual(ingress.ended, ['1 taken_over']);
  await newer.ping();

  const first = await subscribe(t, a, 'x', 1, 'same');
  const elsewhere = await subscribe(t, b, 'other/x', 1, 'same');
  const second = await subscribe(t, b, 'x', 1, 'same');
  await first.closed();
  assert.equal(first.packets.at(-1).reasonCode, 0x8e);
  await second.ping();
  await elsewhere.ping();
});

test('a node that stops disconnects no application of another one', async t => {
  const { nodes } = await start(t, ['a', 'b']);
  const [a, b] = nodes as [TestNode, TestNode];
  const application = await subscribe(t, a, 'x', 1);
  const device = await connectRaw(t, b.port, 5);
  await publish(device, 'last');
  await b.stop();
  await eventually(async () => (await a.figures()).otherNodes === 0);
  await application.ping();
  assert.deepEqual([textsOf(application), (await a.figures()).missed], [['last'], 0]);
});

import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Aedes } from 'aedes';
import { MqttLink } from '../../../bench/load/mqtt-link.ts';

async function startBroker(t: TestContext) {
  const broker = await Aedes.createBroker({
    authenticate: (_client, username, _password, done) => done(null, username !== 'nobody'),
  });
  const server = createServer(broker.handle);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    await new Promise<void>(resolve => broker.close(resolve));
    await new Promise(resolve => server.close(resolve));
  });
  return { broker, port: (server.address() as AddressInfo).port };
}

test('what is published comes to who subscribed, and is answered and acknowledged', async t => {
  const { broker, port } = await startBroker(t);
  const acknowledged = Promise.withResolvers<string>();
  broker.on('ack', (_packet, client) => acknowledged.resolve(client.id));
  const pong = Promise.withResolvers<string>();
  const device = await MqttLink.open({
    port,
    username: 'device',
    password: 'x',
    receive: (topic, payload) => ({ topic: `${topic}/ack`, payload: `pong ${payload}` }),
  });
  const caller = await MqttLink.open({
    port,
    username: 'caller',
    password: 'x',
    receive: (topic, payload) => void pong.resolve(`${topic}: ${payload}`),
  });
  t.after(() => {
    device.close();
    caller.close();
  });
  await device.subscribe('commands');
  await caller.subscribe('commands/ack');
  // Longer than one byte of remaining length can say.
  const ping = 'ping'.repeat(100);
  caller.publish('commands', ping);
  assert.equal(await pong.promise, `commands/ack: pong ${ping}`);
  assert.ok(['device', 'caller'].includes(await acknowledged.promise));
});

test('who is not let in is told so', async t => {
  const { port } = await startBroker(t);
  const options = { port, username: 'nobody', password: 'x', receive: () => undefined };
  await assert.rejects(MqttLink.open(options), /nobody was refused with/);
});

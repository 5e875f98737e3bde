import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Aedes, type Client } from 'aedes';
import { generate } from 'mqtt-packet';
import { takeOver } from '../../../../adapters/protocols/mqtt/aedes-internals.ts';
import { QuietBroker } from '../../../../adapters/protocols/mqtt/quiet-broker.ts';
import { connectPacket, connectRaw, openRaw } from '../../../support/raw-client.ts';
import { keys, startMqtt, until } from './running-mqtt.ts';

const stream = () => new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
type Inside = Client & Record<string, never> & { _parser: EventEmitter };

const unexpected = (error: unknown) => {
  throw error;
};

async function newClient(t: { after(stop: () => unknown): void }): Promise<Inside> {
  const broker = new QuietBroker({});
  await broker.listen();
  const client = broker.handle(stream()) as Inside;
  t.after(() => {
    client.close();
    return new Promise<void>(resolve => broker.close(() => resolve()));
  });
  return client;
}

test('aedes is inside as we know it', async t => {
  const client = await newClient(t);
  takeOver(client, unexpected);
  for (const name of ['_parsingBatch', '_nextBatch', '_keepaliveInterval', '_keepaliveTimer', 'waitForDrain'])
    assert.ok(name in client, name);
  for (const name of ['packet', 'parse']) assert.ok(name in client._parser, name);
  for (const name of ['registerClient', 'clampSessionExpiry', 'publish', 'subscribe', 'unsubscribe'])
    assert.equal(typeof (Aedes.prototype as unknown as Record<string, unknown>)[name], 'function', name);
});

for (const [what, change] of [
  ['listens to packets twice', client => client._parser.on('packet', () => {})],
  ['does not read on by _nextBatch', client => client.conn.removeAllListeners('readable')],
  ['counts packets otherwise', client => Object.assign(client, { _parsingBatch: 0 })],
  ['has no drain timeout', client => Object.assign(client, { waitForDrain: undefined })],
] as [string, (client: Inside) => unknown][])
  test(`an aedes that ${what} is not taken over`, async t => {
    const client = await newClient(t);
    change(client);
    assert.throws(() => takeOver(client, unexpected), /aedes has changed inside/);
  });

test('aedes by itself reads on from a sender that has no acknowledgement: our own reading is needed', async t => {
  let asked = 0;
  const broker = await Aedes.createBroker({ authorizePublish: () => void asked++ });
  const conn = stream();
  const client = broker.handle(conn);
  t.after(() => {
    client.close();
    return new Promise<void>(resolve => broker.close(() => resolve()));
  });
  conn.push(generate(connectPacket(4, { clientId: 'c' }) as never));
  await new Promise(resolve => broker.once('clientReady', resolve));
  await nextTurn();
  for (let messageId = 1; messageId <= 40; messageId++) {
    conn.push(generate({ cmd: 'publish', topic: 't', payload: 'x', qos: 1, messageId, dup: false, retain: false }));
    await nextTurn();
  }
  assert.ok(asked > 20, `${asked}`);
});

test('aedes tells of SUBSCRIBE when its SUBACK is written', async t => {
  const written: number[] = [];
  const broker = new QuietBroker({});
  await broker.listen();
  const conn = new Duplex({
    read() {},
    write(bytes, _encoding, done) {
      written.push(bytes[0]);
      done();
    },
  });
  const client = broker.handle(conn);
  t.after(() => {
    client.close();
    return new Promise<void>(resolve => broker.close(() => resolve()));
  });
  const told: unknown[] = [];
  broker.on('subscribe', () => void setImmediate(() => told.push(written.includes(0x90))));
  conn.push(generate(connectPacket(4, { clientId: 'c' }) as never));
  await new Promise(resolve => broker.once('clientReady', resolve));
  conn.push(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] } as never));
  await until(() => told.length === 1);
  assert.deepEqual(told, [true]);
});

test('a client that is closed while it is being let in is not kept', async t => {
  const clients: Client[] = [];
  const broker = new QuietBroker({
    authenticate: (client, _username, _password, done) => {
      clients.push(client);
      done(null, true);
      if (clients.length === 1) client.close();
    },
  });
  await broker.listen();
  t.after(() => new Promise<void>(resolve => broker.close(() => resolve())));
  for (const clientId of ['closed', 'open']) {
    const conn = stream();
    broker.handle(conn);
    conn.push(generate(connectPacket(4, { clientId }) as never));
    await until(() => clients.some(client => client.id === clientId));
    for (let turn = 0; turn < 10; turn++) await nextTurn();
  }
  assert.deepEqual(
    [Object.keys((broker as unknown as { clients: object }).clients), broker.connectedClients],
    [['open'], 1],
  );
});

test('a defect while a packet is handled closes that connection, is logged, and harms nobody else', async t => {
  const { port, ingress, errors } = await startMqtt(t);
  const other = await connectRaw(t, port, 4, { username: 'd2' });
  const receive = ingress.receive;
  ingress.receive = () => {
    throw new Error('planted');
  };
  const client = await connectRaw(t, port);
  client.publish('devices/d1/telemetry', 'x');
  await client.closed();
  ingress.receive = receive;
  other.publish('devices/d2/telemetry', 'x');
  assert.equal((await other.next()).cmd, 'puback');
  assert.equal(errors.splice(0).length, 1);
});

test('a defect while a delayed packet is handled, and while keys are checked, is no more than that', async t => {
  const { port, ingress, errors } = await startMqtt(t, {
    limits: { deviceMessagesPerSecond: 100, deviceBurstMessages: 1 },
    authenticate: (key, username) => {
      if (username === 'planted') throw new Error('planted');
      return keys(key, username);
    },
  });
  assert.equal((await connectRaw(t, port, 4, { username: 'planted' })).connack.returnCode, 3);
  const client = await connectRaw(t, port);
  ingress.outcomeOf = ({ payload }) => {
    if (payload[0] === 50) throw new Error('planted');
    return undefined;
  };
  const packets = [1, 2].map(messageId =>
    client.bytesOf({ cmd: 'publish', topic: 'devices/d1/telemetry', payload: `${messageId}`, qos: 1, messageId }),
  );
  client.socket.write(Buffer.concat(packets));
  await client.closed();
  assert.equal(errors.splice(0).length, 1);
});

/** A small generator of pseudo-random numbers (mulberry32), so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let it = Math.imul(state ^ (state >>> 15), 1 | state);
    it = (it + Math.imul(it ^ (it >>> 7), 61 | it)) ^ it;
    return ((it ^ (it >>> 14)) >>> 0) % below;
  };
}

test('a thousand connections of damaged packets end as connections, and the broker lives', async t => {
  const { port, protocol } = await startMqtt(t, { limits: { clientBurstConnects: 1_000 } });
  const next = random(1);
  for (let round = 0; round < 100; round++) {
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const version = i % 2 === 0 ? 4 : 5;
        const client = await openRaw(t, port, version);
        const packets = [
          connectPacket(version, {
            username: `d${i}`,
            key: 'device',
            will: { topic: 'w', payload: Buffer.from('w'), qos: 1, retain: false },
          }),
          {
            cmd: 'publish',
            topic: `devices/d${i}/telemetry`,
            payload: '{}',
            qos: 1,
            messageId: 1,
            properties: { contentType: 'a/b', userProperties: { a: 'b' } },
          },
          { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: `devices/d${i}/#`, qos: 1 }] },
          { cmd: 'pubrel', messageId: 3, reasonCode: 0 },
          { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a'] },
        ].map(packet => client.bytesOf(packet));
        const bytes = Buffer.concat(round % 3 === 0 ? packets : [packets[0]!, ...packets.slice(1)]);
        // Mostly behind CONNECT, so that the damage is often done to a live session.
        const from = round % 4 === 0 ? 0 : packets[0]!.length;
        for (let damage = 0; damage <= next(4); damage++) bytes[from + next(bytes.length - from)] = next(256);
        client.socket.end(bytes);
        await client.closed();
      }),
    );
  }
  await until(() => protocol.health().figures.connections === 0);
  assert.equal((await connectRaw(t, port)).connack.returnCode, 0);
});

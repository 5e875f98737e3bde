import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connectRaw, VERSIONS, type Version } from '../support/raw-client.ts';
import { registerDevice, type Skein, startSkein } from '../support/skein.ts';

const depth = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`;
const many = (count: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i])));

/** Content that is acknowledged, and kept as a dead letter with this reason. */
const BAD_CONTENT: [string, string, string | Buffer][] = [
  ['not JSON', 'invalid_json', 'temperature=23'],
  ['not UTF-8', 'invalid_utf8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ['NaN', 'invalid_json', '{"t": NaN}'],
  ['1e999', 'invalid_value', '{"t": 1e999}'],
  ['a key __proto__', 'invalid_name', '{"__proto__": {"admin": true}}'],
  ['10,000 keys', 'too_many_values', many(10_000)],
  ['depth 1,000', 'invalid_value', `{"t": ${depth(1_000)}}`],
  ['a text that jsonb can not hold', 'refused_by_database', '{"t": "\\ud800"}'],
  ['a time in 1970', 'invalid_timestamp', '{"t": 1, "timestamp": "1970-01-01T00:00:00Z"}'],
  ['a time in 2106', 'invalid_timestamp', '{"t": 1, "timestamp": "2106-02-07T06:28:16Z"}'],
  ['a time in seconds', 'invalid_timestamp', '{"t": 1, "timestamp": 1767225600}'],
];

describe('bad input to the whole system', () => {
  let skein: Skein;
  before(async () => {
    skein = await startSkein();
  });
  after(() => skein?.stop());

  const rest = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${skein.httpPort}/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${skein.adminKey}`, 'content-type': 'application/json' },
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const lettersOf = async (device: string) =>
    (await rest(`/dead-letters?deviceId=${device}`)).items as {
      reason: string;
      payload: string;
      payloadEncoding: string;
      topic: string;
    }[];
  const readingsOf = async (device: string) =>
    ((await rest(`/devices/${device}/telemetry?measurements=good`)).items as { value: number }[]).map(
      item => item.value,
    );
  /** Of a message whose client is told nothing, when its dead letter is there; none if that takes too long. */
  const firstLettersOf = async (device: string) => {
    for (let i = 0; i < 100; i++) {
      const letters = await lettersOf(device);
      if (letters.length > 0) return letters;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    return [];
  };
  let count = 0;
  const device = async (version: Version) => {
    const { deviceId, apiKey } = await registerDevice(skein, `device-${++count}`);
    const connect = (t: TestContext, key = apiKey) =>
      connectRaw(t, skein.mqttPort, version, { username: deviceId, key, clientId: deviceId });
    return { id: deviceId, key: apiKey, connect, topic: `devices/${deviceId}/telemetry` };
  };
  const publish = (topic: string, payload: string | Buffer, messageId = 1) =>
    ({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false }) as const;

  for (const version of VERSIONS)
    describe(`over MQTT ${version === 4 ? '3.1.1' : '5'}`, () => {
      for (const [what, reason, payload] of BAD_CONTENT)
        it(`${what} is acknowledged and kept as a dead letter, and its neighbours are stored`, async t => {
          const { id, connect, topic } = await device(version);
          const client = await connect(t);
          [`{"good": 1}`, payload, `{"good": 2}`].forEach((content, i) => {
            client.send(publish(topic, content, i + 1));
          });
          for (let i = 1; i <= 3; i++) assert.equal((await client.nextOf('puback')).messageId, i);
          client.socket.destroy();
          assert.deepEqual(await readingsOf(id), [1, 2]);
          const [letter, ...others] = await lettersOf(id);
          assert.deepEqual([letter?.reason, others.length], [reason, 0]);
          const bytes = Buffer.from(letter!.payload, letter!.payloadEncoding as BufferEncoding);
          assert.deepEqual(bytes, Buffer.from(payload));
        });

      it('300 KiB end the connection, and leave a dead letter without the payload', async t => {
        const { id, connect, topic } = await device(version);
        const client = await connect(t);
        client.send(publish(topic, '{"good": 1}'));
        await client.nextOf('puback');
        client.send(publish(topic, 'x'.repeat(300 * 1024), 2));
        if (version === 5) assert.equal((await client.nextOf('disconnect')).reasonCode, 0x95);
        await client.closed();
        const letters = await firstLettersOf(id);
        assert.deepEqual(
          letters.map(letter => [letter.reason, letter.payload]),
          [['packet_too_large', '']],
        );
        assert.deepEqual(await readingsOf(id), [1]);
      });

      it('a topic of another device is refused, and kept as a dead letter of the sender', async t => {
        const { id, connect, topic } = await device(version);
        const other = await device(version);
        const client = await connect(t);
        client.send(publish(other.topic, '{"good": 1}'));
        if (version === 5) {
          assert.equal((await client.nextOf('puback')).reasonCode, 0x87);
          client.send(publish(topic, '{"good": 2}', 2));
          await client.nextOf('puback');
          client.socket.destroy();
        } else await client.closed();
        const letters = await firstLettersOf(id);
        assert.deepEqual(
          letters.map(letter => [letter.reason, letter.topic]),
          [['topic_forbidden', other.topic]],
        );
        assert.deepEqual(await readingsOf(other.id), []);
      });

      it('a wildcard in a publish ends the connection, and leaves a dead letter', async t => {
        const { id, connect } = await device(version);
        const client = await connect(t);
        client.send(publish('devices/+/telemetry', '{"good": 1}'));
        await client.closed();
        const letters = await firstLettersOf(id);
        assert.deepEqual(
          letters.map(letter => [letter.reason, letter.payload]),
          [['topic_invalid', '{"good": 1}']],
        );
      });

      it('a subscription to # is refused', async t => {
        const { connect } = await device(version);
        const client = await connect(t);
        client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] });
        const { granted } = await client.nextOf('suback');
        assert.deepEqual(granted, [version === 5 ? 0x87 : 0x80]);
        client.socket.destroy();
      });

      it('a wrong key, no key of this device, and the key of a decommissioned device are refused', async t => {
        const one = await device(version);
        const two = await device(version);
        const code = version === 5 ? 0x86 : 4;
        const codeOf = async (key: string) => {
          const { connack } = await one.connect(t, key);
          return version === 5 ? connack.reasonCode : connack.returnCode;
        };
        assert.equal(await codeOf('skd_wrong_wrong'), code);
        assert.equal(await codeOf(two.key), code);
        const client = await one.connect(t);
        await rest(`/devices/${one.id}`, { method: 'DELETE' });
        await client.closed();
        assert.equal(await codeOf(one.key), code);
      });

      it('a duplicate of a stored message is acknowledged and stored once', async t => {
        const { id, connect, topic } = await device(version);
        const client = await connect(t);
        const stamped = JSON.stringify({ good: 5, timestamp: Date.now() });
        [stamped, stamped, '{"good": 6, "messageId": "m-1"}', '{"good": 7, "messageId": "m-1"}'].forEach(
          (content, i) => {
            client.send(publish(topic, content, i + 1));
          },
        );
        for (let i = 1; i <= 4; i++) assert.equal((await client.nextOf('puback')).messageId, i);
        client.socket.destroy();
        assert.deepEqual((await readingsOf(id)).toSorted(), [5, 6]);
        assert.deepEqual(await lettersOf(id), []);
      });

      it('the same client id twice leaves the newer connection', async t => {
        const { id, connect, topic } = await device(version);
        const older = await connect(t);
        const newer = await connect(t);
        if (version === 5) assert.equal((await older.nextOf('disconnect')).reasonCode, 0x8e);
        await older.closed();
        newer.send(publish(topic, '{"good": 1}'));
        await newer.nextOf('puback');
        newer.socket.destroy();
        assert.deepEqual(await readingsOf(id), [1]);
      });
    });

  it('leaves the process up and healthy', async () => {
    const response = await fetch(`http://127.0.0.1:${skein.httpPort}/health`);
    assert.deepEqual([response.status, ((await response.json()) as { status?: string }).status], [200, 'healthy']);
  });
});

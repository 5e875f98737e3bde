import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import {
  connectPacket,
  PublishTemplate,
  pubackPacket,
  publishPacket,
  readPublish,
  subscribePacket,
} from '../../../bench/load/packets.ts';
import { MAX_SEQUENCE, sequenceOf, valuesOf } from '../../../bench/load/payload.ts';

function parsed(bytes: Uint8Array): Packet[] {
  const packets: Packet[] = [];
  const stream = parser({ protocolVersion: 4 });
  stream.on('packet', packet => packets.push(packet));
  stream.on('error', error => assert.fail(error));
  stream.parse(Buffer.from(bytes));
  return packets;
}

const TS = 1_767_268_800_123;
const SEQUENCES = [0, 1, 9, 10, 12_345, 1_000_000, 9_999_999, MAX_SEQUENCE];

test('a CONNECT is what another implementation reads as one', () => {
  const [packet] = parsed(connectPacket('d1', 'default/d1', 'secret', 300));
  assert.ok(packet?.cmd === 'connect');
  assert.equal(packet.clientId, 'd1');
  assert.equal(packet.username, 'default/d1');
  assert.equal(String(packet.password), 'secret');
  assert.equal(packet.keepalive, 300);
  assert.equal(packet.clean, true);
});

for (const kind of ['timestamp', 'messageId'] as const)
  test(`packets written one after the other carry their own values (${kind})`, () => {
    const template = new PublishTemplate(7, 'devices/d8/telemetry', kind, 1);
    const bytes = Buffer.alloc(template.bytes * SEQUENCES.length);
    SEQUENCES.forEach((sequence, i) => {
      template.write(bytes, i * template.bytes, 65_535 - i, sequence, TS + sequence, i % 2 === 1);
    });
    const packets = parsed(bytes) as IPublishPacket[];
    assert.equal(packets.length, SEQUENCES.length);
    packets.forEach((packet, i) => {
      const sequence = SEQUENCES[i]!;
      assert.equal(packet.topic, 'devices/d8/telemetry');
      assert.equal(packet.qos, 1);
      assert.equal(packet.dup, i % 2 === 1);
      assert.equal(packet.messageId, 65_535 - i);
      const { values, ...rest } = JSON.parse(String(packet.payload));
      assert.deepEqual(values, valuesOf(7, sequence));
      const number = TS + sequence;
      assert.deepEqual(rest, kind === 'timestamp' ? { ts: number } : { messageId: `m${number}` });
    });
  });

test('a QoS 0 packet has no packet id', () => {
  const template = new PublishTemplate(0, 'devices/d1/telemetry', 'timestamp', 0);
  const bytes = Buffer.alloc(template.bytes);
  template.write(bytes, 0, 0, 5, TS, false);
  const [packet] = parsed(bytes) as [IPublishPacket];
  assert.equal(packet.qos, 0);
  assert.equal(packet.messageId, undefined);
  assert.deepEqual(JSON.parse(String(packet.payload)), { ts: TS, values: valuesOf(0, 5) });
});

test('the sequence is found again in the temperature, and in no other number', () => {
  for (const sequence of SEQUENCES) assert.equal(sequenceOf(valuesOf(3, sequence).temperature), sequence);
  for (const foreign of [0, 9.999999, 10.0000005, 100, -10, Number.NaN]) assert.equal(sequenceOf(foreign), undefined);
});

test('a change of a twin carries its temperature, and nothing else', () => {
  const template = new PublishTemplate(7, 'devices/d8/state', 'state', 1);
  const bytes = Buffer.alloc(template.bytes * SEQUENCES.length);
  SEQUENCES.forEach((sequence, i) => {
    template.write(bytes, i * template.bytes, i + 1, sequence, TS, false);
  });
  const packets = parsed(bytes) as IPublishPacket[];
  const said = packets.map(packet => JSON.parse(String(packet.payload)) as unknown);
  assert.deepEqual(
    said,
    SEQUENCES.map(sequence => ({ measured: { temperature: valuesOf(7, sequence).temperature } })),
  );
  assert.deepEqual(
    packets.map(it => it.messageId),
    SEQUENCES.map((_, i) => i + 1),
  );
});

test('SUBSCRIBE, PUBLISH and PUBACK are what another implementation reads as such', () => {
  const [subscribe, publish, puback] = parsed(
    Buffer.concat([subscribePacket(300, 'a/b'), publishPacket(301, 'a/b', 'x'.repeat(200)), pubackPacket(65_535)]),
  );
  assert.ok(subscribe?.cmd === 'subscribe' && publish?.cmd === 'publish' && puback?.cmd === 'puback');
  assert.deepEqual(
    subscribe.subscriptions.map(({ topic, qos }) => ({ topic, qos })),
    [{ topic: 'a/b', qos: 1 }],
  );
  assert.deepEqual([publish.topic, publish.qos, publish.messageId], ['a/b', 1, 301]);
  assert.equal(puback.messageId, 65_535);
});

test('a PUBLISH is read as it was written, at each quality of service and with any length', () => {
  for (const payload of ['', 'x', 'ü'.repeat(100), 'x'.repeat(20_000)]) {
    const { topic, packetId, payload: read } = readPublish(publishPacket(258, 'tüpic', payload));
    assert.deepEqual([topic, packetId, String(read)], ['tüpic', 258, payload]);
  }
  const template = new PublishTemplate(0, 'd', 'state', 0);
  const bytes = Buffer.alloc(template.bytes);
  template.write(bytes, 0, 0, 5, 0, false);
  assert.equal(readPublish(bytes).packetId, undefined);
  assert.equal(JSON.parse(String(readPublish(bytes).payload)).measured.temperature, valuesOf(0, 5).temperature);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { connectPacket, PublishTemplate } from '../../../bench/load/packets.ts';
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

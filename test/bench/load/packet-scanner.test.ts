import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generate } from 'mqtt-packet';
import { PacketScanner } from '../../../bench/load/packet-scanner.ts';

const BYTES = Buffer.concat([
  generate({ cmd: 'connack', returnCode: 5, sessionPresent: false }),
  generate({ cmd: 'puback', messageId: 1 }),
  // Of no interest, with a length of two bytes.
  generate({ cmd: 'publish', topic: 'a', payload: '@'.repeat(300), qos: 0, dup: false, retain: false }),
  generate({ cmd: 'pingresp' }),
  generate({ cmd: 'puback', messageId: 65_535 }),
]);

function scanned(chunks: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  const scanner = new PacketScanner({
    connack: code => found.push(`connack ${code}`),
    puback: id => found.push(`puback ${id}`),
  });
  for (const chunk of chunks) scanner.feed(chunk);
  return found;
}

test('acknowledgements are found wherever the bytes are cut', () => {
  const wanted = ['connack 5', 'puback 1', 'puback 65535'];
  assert.deepEqual(scanned([BYTES]), wanted);
  assert.deepEqual(scanned(Array.from(BYTES, byte => Uint8Array.of(byte))), wanted);
  for (let cut = 1; cut < BYTES.length; cut++)
    assert.deepEqual(scanned([BYTES.subarray(0, cut), BYTES.subarray(cut)]), wanted);
});

test('a packet that is not all there is not reported', () => {
  assert.deepEqual(scanned([BYTES.subarray(0, BYTES.length - 1)]), ['connack 5', 'puback 1']);
});

test('a length of more than four bytes is refused', () => {
  assert.throws(() => scanned([Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])]), /more than four bytes/);
});

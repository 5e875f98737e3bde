import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generate } from 'mqtt-packet';
import { encodePublish } from '../../../../adapters/protocols/mqtt/publish-packet.ts';
import { VERSIONS } from '../../../support/raw-client.ts';

const ID = 0x1234;
const TOPICS = ['t', 'devices/ä/commands'];
/** Around the sizes at which the length of a packet takes one byte more. */
const SIZES = [0, 1, 90, 127, 128, 16_360, 16_384, 2_097_140, 2_097_152];

function* cases() {
  for (const version of VERSIONS)
    for (const qos of [0, 1, 2] as const)
      for (const topic of TOPICS)
        for (const size of SIZES)
          for (const contentType of ['', 'application/json', 'x'.repeat(255)])
            for (const identifiers of [[], [1], [127, 128, 16_384, 268_435_455]])
              yield { version, qos, topic, payload: Buffer.alloc(size, 7), contentType, identifiers };
}

test('what is encoded here is byte for byte what mqtt-packet makes', () => {
  let count = 0;
  for (const { version, qos, topic, payload, contentType, identifiers } of cases()) {
    const properties = {
      ...(contentType === '' ? {} : { contentType }),
      ...(identifiers.length === 0 ? {} : { subscriptionIdentifier: identifiers }),
    };
    const messageId = qos > 0 ? ID : undefined;
    const expected = generate(
      { cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false, properties } as never,
      { protocolVersion: version },
    );
    const { bytes, idAt } = encodePublish({ topic, payload, contentType }, qos, identifiers, version === 5);
    if (qos > 0) bytes.writeUInt16BE(ID, idAt);
    assert.ok(bytes.equals(expected), JSON.stringify({ version, qos, topic, size: payload.length, properties }));
    count++;
  }
  assert.ok(count > 900);
});

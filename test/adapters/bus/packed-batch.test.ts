import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Encoder } from 'cbor-x';
import { packBatch, packOutcomes, unpackBatch, unpackOutcomes } from '../../../adapters/bus/packed-batch.ts';
import { DUPLICATE, MOVED, NOT_OWNER, type Outcome, OVERLOADED, STORED, UNKNOWN } from '../../../contracts/uplinks.ts';
import { uplink } from '../../actors/runtime/uplinks.ts';

const cbor = new Encoder({ useRecords: false });
const across = <T>(value: T): T => cbor.decode(cbor.encode(value)) as T;
/** Bytes compare as bytes, whichever class carries them. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, it) => (it instanceof Uint8Array ? [...it] : it)));
const rest = { instance: 'i', stream: 'i/s', sequence: 7, deadlineMs: 1_767_225_600_000 };

describe('A batch on the bus', () => {
  it('arrives as it left, with every kind, topic and refusal', () => {
    const uplinks = [
      uplink('d1', { t: 1 }),
      uplink('d2', Uint8Array.of(0xa1, 0, 255), { kind: 'state', topic: 'devices/d2/state', session: 3 }),
      uplink('d3', '{', { contentType: 'application/cbor', topic: 'gateways/g/devices/d3/telemetry' }),
      uplink('d4', '', { kind: 'ack', topic: 'devices/d4/commands/ack' }),
      uplink('d5', '', { kind: 'connected', topic: '' }),
      uplink('d6', '', { kind: 'other', topic: 'x', refused: { reason: 'topic_forbidden', detail: 'no' } }),
      uplink('d7', '{}', { again: '0195f2a4-9d2f-7b4c-8a6d-3e7f9c2b5d81' }),
      uplink('d7', '', { kind: 'disconnected', topic: '' }),
      uplink('d8', { patch: {} }, { kind: 'request', topic: '' }),
    ];
    const batch = { ...rest, uplinks, epochs: uplinks.map((_, i) => i) };
    assert.deepEqual(plain(unpackBatch(across(packBatch(batch)))), plain(batch));
  });

  it('says nothing twice: its usual topics cost one byte each', () => {
    const many = (topic?: string) =>
      Array.from({ length: 100 }, (_, i) => uplink(`device-${i}`, '{}', topic === undefined ? {} : { topic }));
    const size = (uplinks: ReturnType<typeof many>) =>
      cbor.encode(packBatch({ ...rest, uplinks, epochs: uplinks.map(() => 1) })).length;
    assert.equal(size(many('unusual')) - size(many()), 100 * 'unusual'.length);
  });
});

describe('The outcomes of a batch', () => {
  const all: Outcome[] = [
    STORED,
    DUPLICATE,
    UNKNOWN,
    OVERLOADED,
    MOVED,
    NOT_OWNER,
    { state: 'rejected', reason: 'no_values', detail: 'none' },
    { state: 'answered', answer: { version: 3 } },
    { state: 'opened', session: 4, replaced: { session: 3, instanceId: 'i', address: 'a' } },
  ];

  it('arrive as they left', () => {
    assert.deepEqual(unpackOutcomes(across(packOutcomes(all))), all);
  });

  it('that can not be read count as unknown, so nothing is acknowledged for them', () => {
    assert.deepEqual(unpackOutcomes({ states: 's?-', full: [] }), [STORED, UNKNOWN, UNKNOWN]);
  });
});

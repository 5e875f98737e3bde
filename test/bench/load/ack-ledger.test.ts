import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckLedger, countAcknowledged, isAcknowledgedIn } from '../../../bench/load/ack-ledger.ts';

test('a ledger remembers exactly what was acknowledged, however far it grows', () => {
  const ledger = new AckLedger(2);
  const acknowledged = new Set([0, 1, 7, 8, 511, 512, 513, 100_000]);
  for (const sequence of acknowledged) ledger.acknowledge(1, sequence);
  ledger.acknowledge(1, 512);
  const [silent, busy] = ledger.entries([3, 100_001]);
  for (let sequence = 0; sequence <= 100_010; sequence++)
    assert.equal(isAcknowledgedIn(busy!, sequence), acknowledged.has(sequence), `sequence ${sequence}`);
  assert.equal(isAcknowledgedIn(silent!, 0), false);
  assert.deepEqual([silent!.sent, busy!.sent], [3, 100_001]);
  assert.equal(countAcknowledged([silent!, busy!]), acknowledged.size);
});

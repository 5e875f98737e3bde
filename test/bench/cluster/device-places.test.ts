import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerOf, placeDevices } from '../../../bench/cluster/device-places.ts';
import { deviceIds } from '../../../bench/measure/subject-home.ts';
import { SHARDS } from '../../../contracts/addresses.ts';

const NODES = ['a', 'b', 'c'];
const owners = Array.from({ length: SHARDS }, (_, shard) => NODES[shard % NODES.length]!);
const devices = deviceIds(300).map(deviceId => ({ deviceId }));

for (const away of [0, 1, 2])
  test(`each device is connected ${away} places after the node that owns it`, () => {
    const placed = placeDevices(devices, owners, NODES, away);
    assert.ok(placed.length > 200);
    for (const [i, device] of placed.entries()) {
      const connectedTo = i % NODES.length;
      assert.equal(NODES.indexOf(ownerOf(device, owners)!), (connectedTo - away + NODES.length) % NODES.length);
    }
  });

test('no device is placed twice, and each node owns as many of them', () => {
  const placed = placeDevices(devices, owners, NODES, 1);
  assert.equal(new Set(placed).size, placed.length);
  const owned = NODES.map(id => placed.filter(it => ownerOf(it, owners) === id).length);
  assert.deepEqual(owned, new Array(NODES.length).fill(placed.length / NODES.length));
});

test('devices as they come are not where their owners are', () => {
  assert.ok(devices.some((device, i) => ownerOf(device, owners) !== NODES[i % NODES.length]));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceAddress, fnv1a, isDeviceId, isUuid, SHARDS } from '../../contracts/addresses.ts';

test('the hash is FNV-1a of 32 bits, by the vectors of its authors', () => {
  // http://www.isthe.com/chongo/src/fnv/test_fnv.c
  assert.equal(fnv1a(''), 0x811c9dc5);
  assert.equal(fnv1a('a'), 0xe40c292c);
  assert.equal(fnv1a('foobar'), 0xbf9cf968);
});

test('a device stays in its shard for ever', () => {
  assert.deepEqual(deviceAddress('default', 'boiler-7'), {
    tenant: 'default',
    device: 'boiler-7',
    key: 'default/boiler-7',
    shard: fnv1a('default/boiler-7') % 256,
  });
});

test('devices spread over all shards', () => {
  const perShard = new Array<number>(SHARDS).fill(0);
  for (let i = 0; i < 25_600; i++) perShard[deviceAddress('default', `sensor-${i}`).shard]!++;
  assert.ok(Math.min(...perShard) > 50 && Math.max(...perShard) < 200, 'the mean is 100');
});

test('an id that could not stand in a topic or a path is refused', () => {
  for (const id of ['a', 'boiler-7', '0001', 'urn:dev:mac:0024befffe804ff1', 'a@b', 'a..b', 'a'.repeat(64)])
    assert.ok(isDeviceId(id, 64), id);
  for (const id of ['', '.', '..', '-a', 'a/b', 'a+', '#', 'a%2f', 'a b', 'a\n', 'ä', '$SYS', 'a'.repeat(65)])
    assert.ok(!isDeviceId(id, 64), id);
});

test('a UUID is one in either case, whole and with nothing around it', () => {
  const id = '01900000-0000-7000-8000-0000000000af';
  for (const right of [id, id.toUpperCase()]) assert.ok(isUuid(right), right);
  for (const wrong of ['', 'x', `${id} `, `${id}\n`, `{${id}}`, id.replaceAll('-', ''), id.replace('a', 'g'), `${id}0`])
    assert.ok(!isUuid(wrong), wrong);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newKey, parseKey, secretHash, secretMatches } from '../../../adapters/access/keys.ts';

test('a new key says its kind, its id and 256 random bits, and only its hash is for keeping', () => {
  const device = newKey('device');
  assert.match(device.text, /^skd_[0-9A-Za-z]{17}_[0-9A-Za-z]{43}$/);
  assert.match(newKey('application').text, /^ska_[0-9A-Za-z]{17}_[0-9A-Za-z]{43}$/);
  assert.deepEqual(parseKey(device.text), { kind: 'device', id: device.id, secret: device.secret });
  assert.deepEqual(device.hash, secretHash(device.secret));
  assert.equal(new Set(Array.from({ length: 1000 }, () => newKey('device').text)).size, 1000);
});

test('all random bytes are in the key: one bit more or less gives another key', () => {
  const keyOf = (last: number) =>
    newKey('device', bytes => {
      const all = new Uint8Array(bytes);
      all[bytes - 1] = last;
      return all;
    });
  assert.notEqual(keyOf(0).secret, keyOf(1).secret);
  assert.notEqual(keyOf(0).id, keyOf(1).id);
  assert.equal(keyOf(0).secret, '0'.repeat(43));
  assert.equal(newKey('device', bytes => new Uint8Array(bytes).fill(255)).secret.length, 43);
});

for (const text of [
  '',
  'skd_',
  'skx_000000000000_0000000000000000000000000000000000000000000',
  'skd_short_0000000000000000000000000000000000000000000',
  'skd_000000000000_short',
  'skd_000000000000_0000000000000000000000000000000000000000000_',
  ' skd_000000000000_0000000000000000000000000000000000000000000',
  'skd_00000000000\u0000_0000000000000000000000000000000000000000000',
])
  test(`"${text.replace('\0', '?')}" is no key`, () => assert.equal(parseKey(text), undefined));

test('only the secret itself matches, and nothing matches a key that is not there', () => {
  const { secret, hash } = newKey('device');
  assert.equal(secretMatches(secret, hash), true);
  assert.equal(secretMatches(`${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`, hash), false);
  assert.equal(secretMatches(secret, undefined), false);
  assert.equal(secretMatches('', undefined), false);
  assert.equal(secretMatches(secret, hash.slice(1)), false);
});

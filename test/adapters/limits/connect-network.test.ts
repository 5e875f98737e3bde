import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../../../adapters/limits/connect-network.ts';

for (const [address, network] of [
  ['203.0.113.7', '203.0.113.7'],
  ['', ''],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0db8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
  ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
] as const)
  test(`${address || 'no address'} belongs to ${network || 'nobody'}`, () => assert.equal(networkOf(address), network));

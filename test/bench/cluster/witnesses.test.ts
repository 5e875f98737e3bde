import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAlike, describeConnection, ENDINGS } from '../../../bench/cluster/witnesses.ts';

const connack = { cmd: 'connack', reasonCode: 0 };
const puback = { cmd: 'puback', reasonCode: 0 };
const shuttingDown = { cmd: 'disconnect', reasonCode: 0x8b };

test('a connection that is still there stayed', () => {
  assert.equal(describeConnection([connack, puback, { cmd: 'puback' }], false), ENDINGS.stayed);
});

test('a server that says that it shuts down, and closes, told its client to go', () => {
  assert.equal(describeConnection([connack, puback, shuttingDown], true), ENDINGS.toldToGo);
});

test('any other end is told as what it was', () => {
  assert.equal(describeConnection([connack, puback], true), 'closed without a word');
  assert.equal(describeConnection([connack, shuttingDown], false), 'DISCONNECT 0x8b, but not closed');
  assert.equal(describeConnection([{ cmd: 'disconnect', reasonCode: 0x8d }], true), 'DISCONNECT 0x8d, then closed');
  assert.equal(describeConnection([{ cmd: 'disconnect' }], true), 'DISCONNECT 0x00, then closed');
});

test('a refused message is told beside the end, once, and one that nobody subscribed to is none', () => {
  const refused = { cmd: 'puback', reasonCode: 0x97 };
  const packets = [connack, refused, refused, { cmd: 'puback', reasonCode: 0x10 }, shuttingDown];
  assert.equal(describeConnection(packets, true), `puback 0x97, ${ENDINGS.toldToGo}`);
});

test('what clients told is counted', () => {
  assert.deepEqual(countAlike(['a', 'b', 'a']), { a: 2, b: 1 });
});

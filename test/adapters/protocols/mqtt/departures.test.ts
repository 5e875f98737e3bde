import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Departures } from '../../../../adapters/protocols/mqtt/departures.ts';
import { deviceAddress } from '../../../../contracts/addresses.ts';
import { LIMITS } from '../../../../contracts/limits.ts';
import { DUPLICATE, OVERLOADED, UNKNOWN } from '../../../../contracts/uplinks.ts';
import { ManualTime } from '../../../actors/runtime/manual-time.ts';
import { ScriptedIngress } from './running-mqtt.ts';

const D1 = deviceAddress('default', 'd1');

function start() {
  const ingress = new ScriptedIngress();
  const time = new ManualTime();
  const given: unknown[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (told: unknown) => void given.push(told) } as never;
  const departures = new Departures({ ingress, limits: LIMITS, log, now: () => time.nowMs() }, time);
  let isIdle = false;
  const idle = () =>
    void departures.idle().then(() => {
      isIdle = true;
    });
  return { ingress, time, given, departures, idle, isIdle: () => isIdle };
}

test('an end that is not stored is told again until it is, as what it was at first', async () => {
  const { ingress, time, departures, idle, isIdle, given } = start();
  const outcomes = [OVERLOADED, UNKNOWN, DUPLICATE];
  ingress.sessionOutcomeOf = () => outcomes.shift();
  departures.tell(D1, 3, 'connection_lost');
  const atMs = time.nowMs();
  idle();
  await time.pass(60_000);
  assert.equal(isIdle(), true);
  assert.deepEqual(ingress.ended, Array(3).fill('3 connection_lost'));
  assert.ok(ingress.sessions.every(it => it.receivedAtMs === atMs && it.address === D1));
  assert.equal(given.length, 0);
});

test('an end that is never stored is given up, and stop does not wait for it for ever', async () => {
  const { ingress, time, departures, idle, isIdle, given } = start();
  ingress.sessionOutcomeOf = () => UNKNOWN;
  departures.tell(D1, 3, 'connection_lost');
  departures.tell(deviceAddress('default', 'd2'), 9, 'revoked');
  idle();
  await time.pass(1_000);
  assert.equal(isIdle(), false);
  await time.pass(600_000);
  assert.equal(isIdle(), true);
  assert.equal(ingress.ended.length, 10);
  assert.equal(given.length, 2);
});

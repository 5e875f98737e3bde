import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DevicePermissions, topicFault } from '../../../../adapters/protocols/mqtt/permissions.ts';
import { matches, parseFilter } from '../../../../adapters/protocols/mqtt/topic-filter.ts';
import { LIMITS } from '../../../../contracts/limits.ts';

const may = new DevicePermissions('d1');

for (const [topic, kind] of [
  ['devices/d1/telemetry', 'telemetry'],
  ['devices/d1/state', 'state'],
  ['devices/d1/events', 'events'],
  ['devices/d1/commands/ack', 'ack'],
  ['devices/d1/state/get', 'get'],
  ['devices/d1/firmware/progress', 'other'],
  ['gateways/d1/devices/c1/telemetry', 'other'],
  ['gateways/d1/devices/c1/state', 'other'],
  ['gateways/d1/devices/c1/commands/ack', 'other'],
] as const)
  test(`a device publishes to ${topic} as ${kind}`, () => assert.equal(may.kindOf(topic), kind));

for (const topic of [
  '',
  'devices/d2/telemetry',
  'devices/d10/telemetry',
  'devices/d1',
  'devices/d1/',
  'devices/d1/telemetry/',
  'devices/d1/Telemetry',
  'devices/d1/telemetry/x',
  'devices/d1/commands',
  'devices/d1/state/desired',
  'devices/d1/state/get/response',
  'devices/d1/firmware',
  'devices/+/telemetry',
  'devices/d1/#',
  '/devices/d1/telemetry',
  '$SYS/broker',
  'gateways/d2/devices/c1/telemetry',
  'gateways/d1/devices//telemetry',
  'gateways/d1/devices/c1/commands',
  'gateways/d1/devices/c1/x/telemetry',
  'gateways/d1/devices/+/telemetry',
])
  test(`a device may not publish to "${topic}"`, () => assert.equal(may.kindOf(topic), undefined));

for (const filter of ['devices/d1/#', 'devices/d1/commands', 'devices/d1/+', 'devices/d1/state/+'])
  test(`a device may subscribe to ${filter}`, () => assert.equal(may.maySubscribe(filter), true));
for (const filter of [
  '#',
  '+/#',
  '+/d1/commands',
  'devices/#',
  'devices/+/commands',
  'devices/d2/#',
  'devices/d1',
  'devices/d1/',
])
  test(`a device may not subscribe to ${filter}`, () => assert.equal(may.maySubscribe(filter), false));

for (const [topic, malformed] of [
  ['', true],
  ['devices/+/telemetry', true],
  ['devices/#', true],
  ['devices/d1/\0', true],
  ['a/'.repeat(LIMITS.topicMaxLevels), false],
  ['ä'.repeat(LIMITS.topicMaxBytes / 2 + 1), false],
] as const)
  test(`the topic ${JSON.stringify(topic.slice(0, 24))} is ${malformed ? 'malformed' : 'too much'}`, () =>
    assert.equal(topicFault(topic, LIMITS)?.malformed, malformed));

test('a topic at both limits has no fault', () => {
  const levels = 'a/'.repeat(LIMITS.topicMaxLevels - 1);
  assert.equal(topicFault(levels + 'x'.repeat(LIMITS.topicMaxBytes - levels.length), LIMITS), undefined);
});

for (const [filter, topic, does] of [
  ['a/b', 'a/b', true],
  ['a/b', 'a/bc', false],
  ['a/b', 'a/b/c', false],
  ['a/b/c', 'a/b', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a', false],
  ['a/+', 'a/', true],
  ['a/+/c', 'a/b/c', true],
  ['a/+/c', 'a/b/d', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['a/+/#', 'a', false],
  ['a/+/#', 'a/b', true],
] as const)
  test(`the filter ${filter} ${does ? 'matches' : 'does not match'} ${topic}`, () =>
    assert.equal(matches(parseFilter(filter), topic), does));

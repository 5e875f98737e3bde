import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  permissionOf,
  permissionsFor,
  SEEING,
  type Seeing,
} from '../../../../adapters/protocols/mqtt/application-permissions.ts';
import { matches, parseFilter } from '../../../../adapters/protocols/mqtt/topic-filter.ts';
import { program } from '../../../support/principals.ts';
import { connectRaw } from '../../../support/raw-client.ts';
import { startMqtt } from './running-mqtt.ts';

for (const [filter, needed] of [
  ['devices/+/telemetry', ['telemetry:read']],
  ['devices/d1/telemetry', ['telemetry:read']],
  ['devices/+/state', ['twins:read']],
  ['devices/+/state/#', ['twins:read']],
  ['devices/d1/state/get', ['twins:read']],
  ['devices/+/commands', ['commands:read']],
  ['devices/+/commands/+', ['commands:read']],
  ['devices/+/events', ['events:read']],
  ['devices/+/firmware/progress', ['devices:read']],
  ['devices/d1', ['devices:read']],
  ['devices/d1/', ['devices:read']],
  ['devices/d1/telemetryx', ['devices:read']],
  ['devices/d1/telemetry/x', ['devices:read']],
  ['devices/d1/telemetry/#', ['telemetry:read', 'devices:read']],
  ['devices/#', SEEING],
  ['devices/+/#', SEEING],
  ['devices/d1/#', SEEING],
  ['devices/d1/+', SEEING],
  ['devices/+/+/+', ['twins:read', 'commands:read', 'devices:read']],
] as const)
  test(`${filter} needs ${needed.join(', ')}`, () => assert.deepEqual(permissionsFor(filter), needed));

for (const filter of ['#', '+/d1/telemetry', '$SYS/#', '$share/g/devices/#', 'devices', 'devices/', 'gateways/#', ''])
  test(`nobody is granted "${filter}"`, () => assert.equal(permissionsFor(filter), undefined));

const WORDS = ['telemetry', 'state', 'commands', 'events', 'get', 'ack', 'x', '', 'd1', 'd2', 'firmware'];
const topics = fc
  .array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 })
  .map(it => ['devices', ...it].join('/'));
const filters = fc
  .tuple(fc.array(fc.constantFrom(...WORDS, '+'), { maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => ['devices', ...levels, ...(isOpen ? ['#'] : [])].join('/'));

test('a filter that is granted never matches a topic whose permission is missing', () => {
  fc.assert(
    fc.property(filters, topics, fc.subarray([...SEEING]), (filter, topic, has) => {
      const isGranted = permissionsFor(filter)?.every(it => has.includes(it)) === true;
      if (isGranted && matches(parseFilter(filter), topic)) assert.ok(has.includes(permissionOf(topic)));
    }),
    { numRuns: 20_000 },
  );
});

test('a filter needs nothing that none of its topics needs', () => {
  const levels = ['telemetry', 'state', 'commands', 'events', 'x'];
  const behind = ['', ...levels.flatMap(it => [`/${it}`, `/${it}/x`, `/x/${it}`, `/x/${it}/x`])];
  fc.assert(
    fc.property(filters, filter => {
      const heads = levels.map(it => filter.replaceAll('+', it).replace(/\/#$/, ''));
      const topics = heads.flatMap(head => behind.map(rest => head + rest)).filter(it => it.startsWith('devices/'));
      const seen = topics.filter(topic => matches(parseFilter(filter), topic)).map(permissionOf);
      for (const needed of permissionsFor(filter) ?? []) assert.ok(seen.includes(needed), `${filter} ${needed}`);
    }),
    { numRuns: 2_000 },
  );
});

test('an application is granted what its roles see, and refused the rest', async t => {
  const permissions: Seeing[] = ['telemetry:read', 'events:read'];
  const { port } = await startMqtt(t, {
    authenticate: async () => program(1, 'default', [{ permissions, limit: null }]),
  });
  for (const [version, refused] of [
    [4, 0x80],
    [5, 0x87],
  ] as const) {
    const client = await connectRaw(t, port, version, { username: 'dashboard' });
    client.subscribe(['devices/+/telemetry', 'devices/d1/events', 'devices/+/state', 'devices/#', 'devices/+/+']);
    assert.deepEqual((await client.nextOf('suback')).granted, [1, 1, refused, refused, refused]);
  }
});

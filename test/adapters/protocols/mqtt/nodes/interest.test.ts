import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Audience, type LocalListener } from '../../../../../adapters/protocols/mqtt/audience.ts';
import { Interest } from '../../../../../adapters/protocols/mqtt/nodes/interest.ts';
import { RemoteInterest } from '../../../../../adapters/protocols/mqtt/nodes/remote-interest.ts';
import { parseFilter } from '../../../../../adapters/protocols/mqtt/topic-filter.ts';

type Filters = Record<string, 0 | 1 | 2>;

function listener(tenant: string, filters: Filters): LocalListener & { want(filters: Filters): void } {
  let subscriptions: LocalListener['subscriptions'] = new Map();
  const want = (wanted: Filters) => {
    subscriptions = new Map(
      Object.entries(wanted).map(([topic, qos]) => [topic, { filter: parseFilter(topic), qos, identifier: undefined }]),
    );
  };
  want(filters);
  return {
    tenant,
    want,
    get subscriptions() {
      return subscriptions;
    },
    deliver() {},
    missed() {},
  };
}

function start(limits = { filtersMax: 3, filtersTotalMax: 5 }) {
  const audience = new Audience();
  const interest = new Interest(audience, limits);
  audience.onLocalChange = tenant => interest.changed(tenant);
  return { audience, interest };
}

test('the filters of all applications of a tenant are told once each, with the highest QoS', () => {
  const { audience, interest } = start();
  assert.equal(interest.refresh(), false);
  const one = listener('a', { 'devices/x': 0, 'devices/y': 1 });
  audience.changed(one);
  audience.changed(listener('a', { 'devices/x': 2 }));
  assert.equal(interest.refresh(), true);
  assert.deepEqual(interest.current(), [
    {
      tenant: 'a',
      filters: [
        ['devices/x', 2],
        ['devices/y', 1],
      ],
    },
  ]);
  assert.equal(interest.refresh(), false);
  audience.changed(listener('a', { 'devices/y': 1 }));
  assert.equal(interest.refresh(), false, 'nobody wants anything new');
  one.want({});
  audience.changed(one);
  assert.equal(interest.refresh(), false, 'the others still want all of it');
});

test('a tenant whose applications are gone is told no more', () => {
  const { audience, interest } = start();
  const one = listener('a', { 'devices/x': 0 });
  audience.changed(one);
  interest.refresh();
  one.want({});
  audience.changed(one);
  assert.equal(interest.refresh(), true);
  assert.deepEqual(interest.current(), []);
});

test('beyond the limit of filters a tenant wants everything; beyond the limit of all, every tenant does', () => {
  const { audience, interest } = start();
  audience.changed(listener('a', { 'devices/1': 0, 'devices/2': 0, 'devices/3': 1 }));
  audience.changed(listener('b', { 'devices/1': 0, 'devices/2': 2, 'devices/3': 0, 'devices/4': 0 }));
  interest.refresh();
  assert.deepEqual(interest.current(), [
    {
      tenant: 'a',
      filters: [
        ['devices/1', 0],
        ['devices/2', 0],
        ['devices/3', 1],
      ],
    },
    { tenant: 'b', filters: [['devices/#', 2]] },
  ]);
  audience.changed(listener('c', { 'devices/1': 0, 'devices/2': 0 }));
  interest.refresh();
  assert.deepEqual(
    interest.current().map(({ filters }) => filters),
    [[['devices/#', 1]], [['devices/#', 2]], [['devices/#', 0]]],
  );
});

test('what another node wants is a listener here, for as long as it wants it; older news change nothing', () => {
  const audience = new Audience();
  const delivered: string[] = [];
  const remote = new RemoteInterest(
    audience,
    (tenant, { topic }, qos) => void delivered.push(`${tenant} ${topic} ${qos}`),
  );
  assert.equal(audience.isEmpty, true);
  remote.replace(5, [
    {
      tenant: 'a',
      filters: [
        ['devices/+/state', 1],
        ['devices/x/#', 0],
      ],
    },
  ]);
  const [target, ...more] = audience.targets('a', 'devices/x/state');
  assert.deepEqual([target!.qos, more.length], [1, 0]);
  assert.deepEqual(audience.localTargets('a', 'devices/x/state'), []);
  target!.listener.deliver({ topic: 'devices/x/state', payload: Buffer.of(1), qos: 1, contentType: '' }, 1, []);
  assert.deepEqual(delivered, ['a devices/x/state 1']);
  assert.equal(audience.targets('b', 'devices/x/state').length, 0);

  const { version } = audience;
  remote.replace(4, []);
  remote.replace(6, [
    {
      tenant: 'a',
      filters: [
        ['devices/+/state', 1],
        ['devices/x/#', 0],
      ],
    },
  ]);
  assert.equal(audience.version, version, 'who knew the targets still knows them');
  remote.replace(7, [{ tenant: 'b', filters: [['devices/#', 0]] }]);
  assert.deepEqual(
    [audience.targets('a', 'devices/x/state').length, audience.targets('b', 'devices/x').length],
    [0, 1],
  );
  remote.forget();
  assert.equal(audience.isEmpty, true);
});

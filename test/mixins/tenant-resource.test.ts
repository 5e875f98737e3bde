/** What services that are made on moleculer-db take of it, and what they do not. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assets } from '../../contracts/assets.contract.ts';
import { call } from '../../contracts/contract.ts';
import { deviceTypes } from '../../contracts/device-types.contract.ts';
import { groups } from '../../contracts/groups.contract.ts';
import { locations } from '../../contracts/locations.contract.ts';
import { startAssetsNode } from '../services/assets-node.ts';
import type { FleetNode } from '../services/fleet-node.ts';

const CONTRACTS = [assets, locations, groups, deviceTypes];

describe('services on moleculer-db', () => {
  let node: FleetNode;
  before(async () => {
    node = await startAssetsNode();
  });
  after(() => node?.stop());

  for (const contract of CONTRACTS)
    test(`${contract.service} has the actions of its contract, with its rules, and nothing of moleculer-db`, () => {
      const service = node.broker.getLocalService(contract.service);
      const own = Object.entries(contract).filter(it => typeof it[1] !== 'string');
      assert.deepEqual(Object.keys(service.schema.actions!).sort(), own.map(it => it[0]).sort());
      for (const [name, it] of own) {
        const action = service.schema.actions![name] as unknown as Record<string, unknown>;
        const { rules, access } = it as unknown as { rules: object; access: object };
        assert.deepEqual(Object.keys(action).sort(), ['access', 'handler', 'params'], `${contract.service}.${name}`);
        assert.deepEqual(action.params, { $$strict: true, ...rules });
        assert.deepEqual(action.access, access);
      }
    });

  test('without a caller nothing is found, made, changed or removed', async () => {
    const { tenant_id } = (await node.database.query<{ tenant_id: number }>('SELECT tenant_id FROM tenant'))[0]!;
    await node.database.query(`INSERT INTO location (tenant_id, id, name) VALUES ($1, 'here', 'x')`, [tenant_id]);
    const asked = [
      call(node.broker, locations.get, { id: 'here' }),
      call(node.broker, locations.list, {}),
      call(node.broker, locations.create, { name: 'x' }),
      call(node.broker, locations.update, { id: 'here', name: 'y' }),
      call(node.broker, locations.remove, { id: 'here' }),
    ];
    for (const it of asked) await assert.rejects(it, { type: 'unauthorized' });
  });

  test('what moleculer-db is made of asks for a tenant too', async () => {
    const service = node.broker.getLocalService('locations') as unknown as Record<
      string,
      (...args: unknown[]) => Promise<unknown>
    >;
    for (const [method, params] of [
      ['_find', {}],
      ['_find', { query: { name: 'x' }, limit: 1 }],
      ['_get', { id: 'here' }],
      ['_create', { id: 'made', name: 'x' }],
      ['_update', { id: 'here', name: 'y' }],
      ['_remove', { id: 'here' }],
    ] as const)
      await assert.rejects(service[method]!({ meta: {} }, params), /does not name the tenant/, method);
    assert.throws(() => service._count!({ meta: {} }, {}), TypeError);
    await assert.rejects(service._insert!({ meta: {} }, { entities: [{ name: 'x' }] }), TypeError);
  });
});

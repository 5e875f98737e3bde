/** What is remembered of types of devices: one object for each, as the type is, and no more than there is room for. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import { TypeChanges } from '../../../adapters/database/telemetry/type-changes.ts';
import { TypeRulesCache, typeKey } from '../../../adapters/database/telemetry/type-rules.ts';
import { ENGINE_NAMES } from './engines.ts';
import { StoredDevices } from './stored-devices.ts';

const MEASUREMENTS = { t: { type: 'number', min: 0, max: 9 } };

for (const engine of ENGINE_NAMES)
  describe(`rules of types on ${engine}`, () => {
    let world: StoredDevices;
    let otherTenant = 0;
    before(async () => {
      world = await StoredDevices.start(engine);
      const [other] = await world.database.query<{ tenant_id: number }>(
        `INSERT INTO tenant (slug) VALUES ('other') RETURNING tenant_id`,
      );
      otherTenant = other!.tenant_id;
    });
    after(() => world?.stop());

    const put = (name: string, outOfRange: string | null, tenantId = world.tenantId) =>
      world.database.query(
        `INSERT INTO device_type (tenant_id, name, measurements, validation) VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb)
         ON CONFLICT (tenant_id, name) DO UPDATE SET validation = excluded.validation, version = device_type.version + 1`,
        [tenantId, name, JSON.stringify(MEASUREMENTS), outOfRange === null ? null : JSON.stringify({ outOfRange })],
      );
    const remove = (name: string) =>
      world.database.query('DELETE FROM device_type WHERE tenant_id = $1 AND name = $2', [world.tenantId, name]);
    const addOfType = async (type: string | null, tenantId = world.tenantId, slug = 'default') => {
      const device = await world.add('active', tenantId, slug);
      await world.database.query('UPDATE device SET device_type = $2 WHERE device_uid = $1', [device.uid, type]);
      return device;
    };
    const treatment = (
      rules: { current: { measurements: ReadonlyMap<string, { outOfRange: string }> } | null } | null,
    ) => rules?.current?.measurements.get('t')?.outOfRange ?? null;

    it('are one object for all devices of a type of a tenant, and none for a device without one', async () => {
      await put('shared', 'flag');
      await put('shared', 'refuse', otherTenant);
      const devices = [
        await addOfType('shared'),
        await addOfType('shared'),
        await addOfType('shared', otherTenant, 'other'),
      ];
      const without = await addOfType(null);
      const undescribed = await addOfType('undescribed');
      const all = await world.store.load([...devices, without, undescribed].map(it => it.address));
      const [a, b, theirs, none, nothing] = all.map(it => it!.rules);
      assert.equal(a, b);
      assert.equal((await world.load(devices[0]!)).rules, a);
      assert.deepEqual([treatment(a!), treatment(theirs!), none, nothing!.current], ['flag', 'refuse', null, null]);
    });

    it('change when the type does, for who has them already', async () => {
      await put('changing', null);
      const { rules } = await world.load(await addOfType('changing'));
      const seen = [treatment(rules)];
      const look = async (work: () => Promise<unknown>) => {
        await work();
        await world.store.typeRules.readAll();
        seen.push(treatment(rules));
      };
      await look(() => put('changing', 'flag'));
      await look(() => put('changing', 'refuse'));
      await look(() => remove('changing'));
      await look(() => put('changing', 'flag'));
      assert.deepEqual(seen, [null, 'flag', 'refuse', null, 'flag']);
      assert.equal(rules!.isForgotten, false);
    });

    it('are read again one by one when it is told which', async () => {
      await put('told', 'flag');
      await put('silent', 'flag');
      const told = (await world.load(await addOfType('told'))).rules;
      const silent = (await world.load(await addOfType('silent'))).rules;
      await put('told', 'refuse');
      await put('silent', 'refuse');
      const { typeRules } = world.store;
      for (const type of ['told', 'nobody has this one']) typeRules.changed({ tenantId: world.tenantId, type });
      assert.equal(typeRules.hasChanged, true);
      await typeRules.readChanged();
      assert.deepEqual([treatment(told), treatment(silent), typeRules.hasChanged], ['refuse', 'flag', false]);
    });

    it('are forgotten when there is no more room, and say so', async () => {
      for (const name of ['big-1', 'big-2']) await put(name, 'flag');
      const cache = new TypeRulesCache(world.database, 2_000);
      const load = async (type: string) => {
        const name = { tenantId: world.tenantId, type };
        return (await cache.load([name])).get(typeKey(name))!;
      };
      const first = await load('big-1');
      assert.deepEqual([first.isForgotten, await load('big-1')], [false, first]);
      const second = await load('big-2');
      assert.deepEqual([first.isForgotten, second.isForgotten, treatment(second)], [true, false, 'flag']);
      assert.notEqual(await load('big-1'), first);
    });

    it('that are larger than all the room are used, and never remembered', async () => {
      await put('huge', 'flag');
      const store = new ActorStore(world.database, world.instanceId, 1, 100);
      const [record] = await store.load([(await addOfType('huge')).address]);
      assert.deepEqual([treatment(record!.rules), record!.rules!.isForgotten], ['flag', true]);
      await store.close();
    });

    it('of another type concern a device that got it, which is told once', async () => {
      const changes = new TypeChanges(world.database);
      const device = await addOfType('one');
      await changes.next();
      await world.database.query(`UPDATE device SET name = 'x', device_type = 'one' WHERE device_uid = $1`, [
        device.uid,
      ]);
      assert.deepEqual(await changes.next(), []);
      await world.database.query(`UPDATE device SET device_type = 'two' WHERE device_uid = $1`, [device.uid]);
      assert.deepEqual(await changes.next(), [{ tenant: 'default', device: device.id }]);
      assert.deepEqual(await changes.next(), []);
    });
  });

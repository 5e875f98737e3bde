/** A role that is limited to some devices, and everything that tells of devices. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newKey } from '../../adapters/access/keys.ts';
import type { DeviceLimit } from '../../contracts/access.contract.ts';
import { BUILT_IN_ROLES, type Permission } from '../../contracts/permissions.ts';
import { Waiters } from '../../mixins/waiters.ts';
import { commandsService } from '../../services/commands.service.ts';
import { eventsService } from '../../services/events.service.ts';
import { sessionsService } from '../../services/sessions.service.ts';
import { type FleetNode, jobEnded, registerMany, startFleetNode } from './fleet-node.ts';
import { type Answer, ask, ENGINES } from './rest-node.ts';

const { permissions } = BUILT_IN_ROLES.operator;

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: FleetNode;
    const keys: Record<string, string> = {};

    before(async () => {
      node = await startFleetNode({ engine });
      node.broker.createService(commandsService({ ...node, address: 'here' }, node.real, new Waiters(10)));
      node.broker.createService(eventsService(node));
      node.broker.createService(sessionsService(node));
      await node.broker.waitForServices(['commands', 'events', 'sessions']);
      await registerMany(node, ['s1', 's2'], { type: 'sensor' });
      await registerMany(node, ['p1'], { type: 'pump', tags: ['red'] });
      await registerMany(node, ['p2'], { type: 'pump' });
      await ask(node, 'PUT /api/v1/groups/hall', { body: {} });
      await ask(node, 'PUT /api/v1/groups/hall/devices/p2');
      keys.sensors = await keyWith('sensors', { types: ['sensor'] });
      keys.mixed = await keyWith('mixed', { tags: ['red'], groups: ['hall'] });
      keys.none = await keyWith('none', { groups: ['nowhere'] });
      for (const id of ['s1', 's2', 'p1', 'p2']) {
        await ask(node, `POST /api/v1/devices/${id}/commands`, { body: { command: 'go' } });
        await ask(node, `PATCH /api/v1/devices/${id}/twin/desired`, { body: { on: true } });
        await ask(node, 'POST /api/v1/telemetry', { body: { deviceId: id, values: { a: 1 } } });
        await ask(node, 'POST /api/v1/telemetry', { body: { deviceId: id, timestamp: 'once', values: { a: 1 } } });
      }
    });
    after(() => node?.stop());

    const keyWith = async (role: string, limit: DeviceLimit, only: readonly Permission[] = permissions) => {
      await node.database.query(
        `INSERT INTO role (tenant_id, name, permissions, device_limit)
         SELECT tenant_id, $1, $2, $3::text::jsonb FROM tenant WHERE slug = 'default'`,
        [role, only, JSON.stringify(limit)],
      );
      return keyOf([role]);
    };
    const keyOf = async (roles: readonly string[]) => {
      const key = newKey('application');
      await node.database.query(
        `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
         SELECT $1, tenant_id, $2, 'test', $3 FROM tenant WHERE slug = 'default'`,
        [key.id, roles, key.hash],
      );
      return key.text;
    };
    const devicesIn = ({ body }: Answer) => [
      ...new Set<string>(body.items.map((it: { deviceId?: string; id: string }) => it.deviceId ?? it.id)),
    ];
    const seen = async (path: string, key: string) => devicesIn(await ask(node, `GET /api/v1${path}`, { key })).sort();

    for (const path of ['/devices', '/commands', '/events', '/sessions', '/dead-letters'])
      test(`GET ${path} shows the devices that fit, and no others`, async () => {
        assert.deepEqual(await seen(path, node.adminKey), ['p1', 'p2', 's1', 's2']);
        assert.deepEqual(await seen(path, keys.sensors!), ['s1', 's2']);
        assert.deepEqual(await seen(path, keys.mixed!), ['p1', 'p2']);
        assert.deepEqual(await seen(path, keys.none!), []);
      });

    for (const what of ['', '/twin', '/telemetry', '/telemetry/latest', '/commands', '/session'])
      test(`GET /devices/{id}${what} opens a device that fits, and any other is not there`, async () => {
        const get = (id: string) => ask(node, `GET /api/v1/devices/${id}${what}`, { key: keys.sensors });
        assert.equal((await get('s1')).status, 200);
        const [other, nobody] = [await get('p1'), await get('nobody')];
        assert.deepEqual([other.status, other.body.type], [404, 'not_found']);
        assert.equal(other.body.detail.replace('p1', 'nobody'), nobody.body.detail);
      });

    test('a command or a dead letter of a device that does not fit looks like one that is not there', async () => {
      for (const path of ['commands', 'dead-letters']) {
        const { body } = await ask(node, `GET /api/v1/${path}?deviceId=p1`);
        const id = body.items[0].id;
        assert.equal((await ask(node, `GET /api/v1/${path}/${id}`, { key: keys.mixed })).status, 200);
        for (const line of [
          `GET /api/v1/${path}/${id}`,
          `POST /api/v1/${path}/${id}/cancel`,
          `POST /api/v1/${path}/${id}/replay`,
        ]) {
          if (path === 'commands' ? line.endsWith('replay') : line.endsWith('cancel')) continue;
          assert.equal((await ask(node, line, { key: keys.sensors })).status, 404, line);
        }
      }
    });

    test('telemetry is taken for devices that fit; for others it is as for devices that are not there', async () => {
      const body = ['s1', 'p1', 'nobody'].map(deviceId => ({ deviceId, values: { b: 1 } }));
      const answer = await ask(node, 'POST /api/v1/telemetry', { key: keys.sensors, body });
      const rejected = [1, 2].map(index => ({ index, reason: 'device_unknown' }));
      assert.deepEqual(answer.body, { accepted: 1, rejected });
    });

    test('a job means only those devices of its target that fit', async () => {
      const job = await ask(node, 'POST /api/v1/commands', {
        key: keys.mixed,
        body: { target: { type: 'pump' }, command: 'go' },
      });
      assert.deepEqual([job.status, job.body.total], [202, 2]);
      const none = await ask(node, 'POST /api/v1/commands', {
        key: keys.mixed,
        body: { target: { type: 'sensor' }, command: 'go' },
      });
      assert.equal(none.body.total, 0);
      const named = { target: { deviceIds: ['s1', 'p1'] }, command: 'go' };
      const refused = await ask(node, 'POST /api/v1/commands', { key: keys.mixed, body: named });
      assert.equal(refused.status, 404);
      assert.match(refused.body.detail, /s1/);
      assert.doesNotMatch(refused.body.detail, /p1/);
      await jobEnded(node, job.body.id);
    });

    test('a job takes the permission for what it does, under the limit of the role that has it', async () => {
      await keyWith('commands sensors', { types: ['sensor'] }, ['commands:send', 'jobs:read']);
      await keyWith('desires pumps', { types: ['pump'] }, ['twins:write']);
      const key = await keyOf(['commands sensors', 'desires pumps']);
      const command = (type: string) =>
        ask(node, 'POST /api/v1/commands', { key, body: { target: { type }, command: 'go' } });
      assert.deepEqual([(await command('sensor')).body.total, (await command('pump')).body.total], [2, 0]);
      const only = await keyOf(['desires pumps']);
      const refused = await ask(node, 'POST /api/v1/commands', {
        key: only,
        body: { target: { type: 'pump' }, command: 'go' },
      });
      assert.deepEqual([refused.status, refused.body.type], [403, 'forbidden']);
    });

    test('a job is cancelled by who may do what it does with all devices', async () => {
      await keyWith('commands of sensors', { types: ['sensor'] }, ['commands:send']);
      await node.database.query(
        `INSERT INTO role (tenant_id, name, permissions) SELECT tenant_id, 'desires', '{twins:write}' FROM tenant WHERE slug = 'default'`,
      );
      const key = await keyOf(['commands of sensors', 'desires']);
      const made = async (what: object) =>
        (await ask(node, 'POST /api/v1/jobs', { body: { target: { type: 'pump' }, ...what } })).body.id;
      const cancel = (id: string) => ask(node, `POST /api/v1/jobs/${id}/cancel`, { key });
      const command = await made({ command: { command: 'go' } });
      assert.equal((await cancel(command)).status, 403);
      assert.equal((await cancel(await made({ desired: { patch: { on: false } } }))).status, 200);
      await jobEnded(node, command);
    });

    test('who is limited to a group puts no device into it, unless it has as much without that', async () => {
      await node.database.query(
        `INSERT INTO role (tenant_id, name, permissions) SELECT tenant_id, 'groups', '{groups:write,devices:read}' FROM tenant WHERE slug = 'default'`,
      );
      await keyWith('commands of the hall', { groups: ['hall'] }, ['devices:read', 'commands:send']);
      await keyWith('sees the hall', { groups: ['hall'] }, ['devices:read']);
      const key = await keyOf(['groups', 'commands of the hall']);
      const put = (as: string, group = 'hall') => ask(node, `PUT /api/v1/groups/${group}/devices/s1`, { key: as });
      assert.deepEqual([(await put(key)).status, (await put(key)).body.type], [403, 'forbidden']);
      const several = { key, body: { deviceIds: ['s1'] } };
      assert.equal((await ask(node, 'POST /api/v1/groups/hall/devices', several)).status, 403);
      assert.equal((await ask(node, 'POST /api/v1/devices/s1/commands', { key, body: { command: 'go' } })).status, 404);
      await ask(node, 'PUT /api/v1/groups/yard', { body: {} });
      assert.equal((await put(key, 'yard')).status, 200);
      assert.equal((await put(await keyOf(['groups', 'sees the hall']))).status, 200);
      await ask(node, 'DELETE /api/v1/groups/hall/devices/s1');
    });

    test('nobody marks a device so that a role of his own opens it', async () => {
      await keyWith('changes all', {}, ['devices:read']);
      await node.database.query(
        `INSERT INTO role (tenant_id, name, permissions) SELECT tenant_id, 'changer', '{devices:read,devices:write}' FROM tenant
         WHERE slug = 'default'`,
      );
      await keyWith('commands blue and vans', { tags: ['blue'], types: ['van'] }, ['commands:send']);
      const key = await keyOf(['changer', 'commands blue and vans']);
      const patch = (body: object) => ask(node, 'PATCH /api/v1/devices/s2', { key, body });
      for (const body of [{ tags: ['blue'] }, { type: 'van' }]) {
        const refused = await patch(body);
        assert.deepEqual([refused.status, refused.body.type], [403, 'forbidden'], JSON.stringify(body));
      }
      assert.equal((await patch({ tags: ['green'], name: 'changed' })).status, 200);
      // Somebody else may, and what is there already may stay.
      await ask(node, 'PATCH /api/v1/devices/s2', { body: { tags: ['blue'] } });
      assert.equal((await patch({ tags: ['blue', 'green'] })).status, 200);
      await ask(node, 'PATCH /api/v1/devices/s2', { body: { tags: [] } });
    });
  });

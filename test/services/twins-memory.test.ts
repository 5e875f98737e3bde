import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import { readConfig } from '../../config.ts';
import type { Principal } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { twins } from '../../contracts/twins.contract.ts';
import { NO_TWIN, type TwinRecord } from '../../contracts/twins.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { guard } from '../../mixins/access-control.ts';
import { twinsService } from '../../services/twins.service.ts';
import type { Subject } from '../adapters/database/engines.ts';
import { startWithSchema } from '../adapters/database/runs.ts';
import { ownDevice, program } from '../support/principals.ts';

const noWay: Ingress = { load: () => 0, receive: () => assert.fail('nothing is sent') };
const HEAT: TwinRecord = { ...NO_TWIN, desired: { version: 4, document: { mode: 'heat' }, times: { mode: 1 } } };
/** What this process knows of devices, by tenant and device. */
const memory = new Map<string, TwinRecord | null>();
let subject: Subject;
let broker: ServiceBroker;
let queries = 0;
let tenantId: number;

before(async () => {
  subject = await startWithSchema('pglite');
  const { database } = subject;
  const [row] = await database.query<{ tenant_id: number }>(
    `INSERT INTO tenant (slug) VALUES ('one') RETURNING tenant_id`,
  );
  tenantId = row!.tenant_id;
  await database.query(`INSERT INTO device (tenant_id, device_id, state) VALUES ($1, 'a', 'active')`, [tenantId]);
  const counting = Object.create(database, {
    query: {
      value: (sql: string, params?: unknown[]) => {
        queries++;
        return database.query(sql, params);
      },
    },
  });
  broker = new ServiceBroker({ logger: false });
  guard(broker, database);
  broker.createService(
    twinsService({ config: readConfig({}), database: counting }, noWay, { twinOf: ({ key }) => memory.get(key) }),
  );
  await broker.start();
});
after(async () => {
  await broker?.stop();
  await subject?.stop();
});

const get = async (id: string, tenant = 'one') => {
  queries = 0;
  const principal: Principal = program(tenantId, tenant);
  const { desired, desiredVersion } = await call(broker, twins.get, { id }, { meta: { principal } });
  return { desired, desiredVersion, queries };
};

test('a twin in the memory of its owner is read without the database, and any other one from there', async () => {
  memory.set('one/a', HEAT);
  assert.deepEqual(await get('a'), { desired: { mode: 'heat' }, desiredVersion: 4, queries: 0 });
  memory.set('one/a', null);
  assert.deepEqual(await get('a'), { desired: {}, desiredVersion: 0, queries: 0 });
  memory.delete('one/a');
  assert.deepEqual(await get('a'), { desired: {}, desiredVersion: 0, queries: 1 });
});

test('the memory of one tenant is not shown to another, nor to another device', async () => {
  memory.set('two/b', HEAT);
  await assert.rejects(get('b'), { type: 'not_found' });
  assert.equal((await get('b', 'two')).desiredVersion, 4);
  const principal: Principal = ownDevice(tenantId, 'two', 'c');
  await assert.rejects(call(broker, twins.get, { id: 'b' }, { meta: { principal } }), { type: 'forbidden' });
});

test('what can be no id is not looked for', async () => {
  queries = 0;
  await assert.rejects(get('../b'), { type: 'not_found' });
  assert.equal(queries, 0);
});

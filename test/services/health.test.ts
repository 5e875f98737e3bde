import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addTenant, ask, type RestNode, register, startRestNode } from './rest-node.ts';

let node: RestNode;
before(async () => {
  node = await startRestNode();
});
after(() => node.stop());

/** A report serves all who ask within a second. */
const untilAskedAnew = () => new Promise(resolve => setTimeout(resolve, 1_100));

for (const prefix of ['', '/api', '/api/v1'])
  test(`a probe below "${prefix}" needs no key and learns nothing of the inside`, async () => {
    const answers = await Promise.all(
      ['', '/live', '/ready'].map(path => ask(node, `GET ${prefix}/health${path}`, { key: null })),
    );
    assert.deepEqual(
      answers.map(it => [it.status, it.body]),
      [
        [200, { status: 'healthy' }],
        [200, { status: 'alive' }],
        [200, { ready: true }],
      ],
    );
  });

for (const path of ['/health/devices', '/health/services', '/health/system'])
  test(`${path} needs the key of an application`, async () => {
    const key = await register(node, `curious${path.replaceAll('/', '-')}`);
    assert.equal((await ask(node, `GET ${path}`, { key })).body.type, 'forbidden');
    assert.equal((await ask(node, `GET ${path}`, { key: null })).body.type, 'unauthorized');
    assert.equal((await ask(node, `GET ${path}`)).status, 200);
  });

test('the devices are counted by state, for the own tenant only', async () => {
  await register(node, 'one');
  await register(node, 'two');
  await ask(node, 'DELETE /api/devices/two');
  const { registered } = (await ask(node, 'GET /health/devices')).body;
  assert.deepEqual(registered, { decommissioned: 1, registered: 4 });
  const key = await addTenant(node, 'other');
  assert.deepEqual((await ask(node, 'GET /health/devices', { key })).body.registered, {});
});

test('devices count as connected while their session lives, and so does its node; for the own tenant only', async () => {
  await register(node, 'online');
  await node.database.query(
    `INSERT INTO device_session (device_uid, session, instance_id, address, node_id, protocol, peer, connected_at)
     SELECT device_uid, 1, instance_id, address, node_id, 'mqtt', 'somewhere', now() FROM device, node_session
     WHERE device_id = 'online' AND node_session.state = 'open'`,
  );
  const connected = async (key?: string) => (await ask(node, 'GET /health/devices', { key })).body.connected;
  assert.equal(await connected(), 1);
  assert.equal(await connected(await addTenant(node, 'third')), 0);
  await node.database.query('UPDATE device_session SET disconnected_at = now()');
  assert.equal(await connected(), 0);
  await node.database.query('DELETE FROM device_session');
});

test('every service that runs says how it is, and so does the database', async () => {
  const { body } = await ask(node, 'GET /health/system');
  assert.equal(body.condition, 'healthy');
  assert.deepEqual(Object.keys(body.services).sort(), ['actors', 'cluster', 'database']);
  assert.ok(body.figures.memoryRssBytes > 0);
  assert.deepEqual((await ask(node, 'GET /health/services')).body.actors.condition, 'healthy');
});

test('a service that says it is degraded degrades the whole, which still answers 200; an unhealthy one does not', async () => {
  for (const [condition, status] of [
    ['degraded', 200],
    ['unhealthy', 503],
  ] as const) {
    await untilAskedAnew();
    const service = node.broker.createService({
      name: 'mqtt',
      actions: {
        health: {
          access: { needs: 'inside' },
          handler: () => ({ condition, detail: 'as told', figures: { connections: 3 } }),
        },
      } as never,
    });
    await node.broker.waitForServices('mqtt');
    const answer = await ask(node, 'GET /health', { key: null });
    assert.deepEqual([answer.status, answer.body], [status, { status: condition }]);
    await node.broker.destroyService(service);
  }
  await untilAskedAnew();
  assert.equal((await ask(node, 'GET /health', { key: null })).body.status, 'healthy');
});

test('a node that leaves, or can serve nobody, is not ready, and says why; one that is only degraded is', async () => {
  const real = node.broker.getLocalService('cluster');
  const schema = real.originalSchema as never;
  await node.broker.destroyService(real);
  try {
    for (const [condition, status] of [
      ['degraded', 200],
      ['unhealthy', 503],
    ] as const) {
      await untilAskedAnew();
      const service = node.broker.createService({
        name: 'cluster',
        actions: {
          health: { access: { needs: 'inside' }, handler: () => ({ condition, detail: 'It is leaving', figures: {} }) },
        } as never,
      });
      await node.broker.waitForServices('cluster');
      const answer = await ask(node, 'GET /health/ready', { key: null });
      assert.equal(answer.status, status);
      if (status === 503) assert.deepEqual(answer.body, { ready: false, reason: 'It is leaving' });
      await node.broker.destroyService(service);
    }
  } finally {
    node.broker.createService(schema);
    await node.broker.waitForServices('cluster');
  }
  await untilAskedAnew();
});

test('without a database the process is alive, but neither ready nor healthy', async () => {
  await untilAskedAnew();
  const { database } = node;
  const query = database.query.bind(database);
  // A stopped database: it does not answer until somebody gives up.
  const waiting: (() => void)[] = [];
  database.query = () => new Promise((_resolve, reject) => waiting.push(() => reject(new Error('no answer'))));
  try {
    const [live, ready, whole] = await Promise.all(
      ['/live', '/ready', ''].map(path => ask(node, `GET /health${path}`, { key: null })),
    );
    assert.equal(live!.status, 200);
    assert.deepEqual([ready!.status, ready!.body], [503, { ready: false, reason: 'no database' }]);
    assert.deepEqual([whole!.status, whole!.body], [503, { status: 'unhealthy' }]);
  } finally {
    database.query = query;
    for (const giveUp of waiting) giveUp();
  }
});

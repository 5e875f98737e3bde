import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ServiceBroker } from 'moleculer';
import { beginReading, removeEvents } from '../../adapters/database/events-feed.ts';
import { on } from '../../contracts/contract.ts';
import { device } from '../../contracts/events.contract.ts';
import { eventsService } from '../../services/events.service.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

type Written = { readonly id: string; readonly kind?: string; readonly tenant?: string; readonly daysAgo?: number };
/** As a lane writes it. `data` says which one it is. */
const write = (
  node: RestNode,
  name: string,
  { id, kind = 'device.update', tenant = 'default', daysAgo = 0 }: Written,
) =>
  node.database.query(
    `INSERT INTO event (tenant_id, device_uid, kind, at, data)
     SELECT tenant_id, device_uid, $3, now() - $4::float8 * interval '1 day', jsonb_build_object('name', $5::text)
     FROM device JOIN tenant USING (tenant_id) WHERE device_id = $1 AND slug = $2`,
    [id, tenant, kind, daysAgo, name],
  );
const names = (body: { items: { data: { name: string } }[] }) => body.items.map(it => it.data.name);

for (const engine of ENGINES)
  describe(`the feed of events on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    before(async () => {
      node = await startRestNode({
        engine,
        env: {
          SKEIN_LIMIT_EVENT_SCAN_MAX_ROWS: '5',
          SKEIN_LIMIT_EVENT_WAITERS: '4',
          SKEIN_LIMIT_PAGE_MAX_BYTES: '2000',
        },
      });
      node.broker.createService(eventsService(node));
      await node.broker.waitForServices('events');
      otherKey = await addTenant(node, 'other');
      await register(node, 'a');
      await register(node, 'b');
      await register(node, 'a', {}, otherKey);
    });
    after(() => node.stop());
    beforeEach(() => node.database.script('DELETE FROM event; DELETE FROM event_position;'));

    const read = (query = '', key?: string) => ask(node, `GET /api/v1/events?${query}`, { key });

    test('is read to its end and on from there, for ever', async () => {
      await write(node, 'one', { id: 'a' });
      await write(node, 'two', { id: 'b', kind: 'device.status' });
      const first = await read('limit=1');
      assert.deepEqual([first.status, names(first.body)], [200, ['one']]);
      const [item] = first.body.items;
      assert.deepEqual(Object.keys(item).sort(), ['at', 'data', 'deviceId', 'id', 'kind']);
      assert.deepEqual([item.kind, item.deviceId], ['device.update', 'a']);
      assert.equal(new Date(item.at).toISOString(), item.at);
      const second = await read(`limit=1&cursor=${first.body.nextCursor}`);
      assert.deepEqual(names(second.body), ['two']);
      const end = await read(`cursor=${second.body.nextCursor}`);
      assert.deepEqual([end.status, end.body.items], [200, []]);
      await write(node, 'three', { id: 'a' });
      const more = await read(`cursor=${end.body.nextCursor}`);
      assert.deepEqual(names(more.body), ['three']);
      assert.notEqual(more.body.items[0].id, item.id);
    });

    test('begins with the oldest that is kept, or with what comes from now on', async () => {
      await write(node, 'old', { id: 'a' });
      assert.deepEqual(names((await read()).body), ['old']);
      const { body } = await read('from=latest');
      assert.deepEqual(body.items, []);
      await write(node, 'new', { id: 'a' });
      assert.deepEqual(names((await read(`cursor=${body.nextCursor}`)).body), ['new']);
      for (const query of ['from=yesterday', `from=latest&cursor=${body.nextCursor}`])
        assert.equal((await read(query)).body.type, 'invalid_request');
    });

    test('has only what is asked for, and never looks at more than a bounded number at once', async () => {
      for (let i = 0; i < 12; i++) await write(node, `b${i}`, { id: 'b' });
      await write(node, 'a', { id: 'a' });
      await write(node, 'status', { id: 'b', kind: 'device.status' });
      const found: string[] = [];
      let pages = 0;
      for (let cursor = ''; pages < 4; pages++) {
        const { body } = await read(`deviceId=a${cursor}`);
        found.push(...names(body));
        cursor = `&cursor=${body.nextCursor}`;
        if (pages === 0) assert.deepEqual(body.items, []);
      }
      assert.deepEqual(found, ['a']);
      // Waiting is not over while there is more to look at.
      assert.deepEqual(names((await read('kind=device.status&wait=20')).body), ['status']);
      assert.deepEqual(names((await read('deviceId=nobody')).body), []);
      for (const query of ['kind=device.gone', 'deviceId=a%20b', 'unknown=1', 'limit=0', 'wait=31', 'wait=x'])
        assert.equal((await read(query)).body.type, 'invalid_request', query);
    });

    test('shows nothing of another tenant, and nothing to devices', async () => {
      await write(node, 'theirs', { id: 'a', tenant: 'other' });
      await write(node, 'ours', { id: 'a' });
      const ours = (await read()).body;
      assert.deepEqual(names(ours), ['ours']);
      assert.deepEqual(names((await read('', otherKey)).body), ['theirs']);
      assert.equal((await read(`cursor=${ours.nextCursor}`, otherKey)).body.type, 'invalid_request');
      assert.equal((await read(`deviceId=a&cursor=${ours.nextCursor}`)).body.type, 'invalid_request');
      const deviceKey = await register(node, `d-${engine}`);
      assert.equal((await read('', deviceKey)).status, 403);
    });

    test('an answer waits until there is something that fits', async () => {
      const { body } = await read('from=latest');
      const waiting = read(`cursor=${body.nextCursor}&wait=20`);
      const pageOfB = await read('deviceId=b&from=latest');
      const waitingForB = read(`deviceId=b&cursor=${pageOfB.body.nextCursor}&wait=20`);
      await untilQueried(node);
      await write(node, 'a', { id: 'a' });
      assert.deepEqual(names((await waiting).body), ['a']);
      await untilQueried(node);
      await write(node, 'b', { id: 'b' });
      assert.deepEqual(names((await waitingForB).body), ['b']);
    });

    test('an answer that waited in vain has a cursor that goes on', async () => {
      const { status, body } = await read('from=latest&wait=1');
      assert.deepEqual([status, body.items], [200, []]);
      await write(node, 'a', { id: 'a' });
      assert.deepEqual(names((await read(`cursor=${body.nextCursor}&wait=20`)).body), ['a']);
    });

    test('a tenant has half of the places to wait; one more is told to come later, unless there is something for it', async () => {
      const { body } = await read('from=latest');
      const query = `cursor=${body.nextCursor}&wait=20`;
      const two = [read(query), read(query)];
      await untilQueried(node);
      const third = await read(query);
      assert.deepEqual([third.status, third.body.type], [503, 'overloaded']);
      assert.equal((await read('from=latest&wait=0.01', otherKey)).status, 200);
      await write(node, 'a', { id: 'a' });
      assert.deepEqual(names((await read(query)).body), ['a']);
      for (const { body } of await Promise.all(two)) assert.deepEqual(names(body), ['a']);
    });

    test('who goes away leaves its place to others', async () => {
      const { body } = await read('from=latest');
      const query = `cursor=${body.nextCursor}&wait=20`;
      const leaving = new AbortController();
      const two = [1, 2].map(() =>
        fetch(`${node.url}/api/v1/events?${query}`, {
          headers: { authorization: `Bearer ${node.adminKey}` },
          signal: leaving.signal,
        }),
      );
      await untilQueried(node);
      assert.equal((await read(query)).status, 503);
      leaving.abort();
      await Promise.allSettled(two);
      let status = 503;
      while (status === 503) ({ status } = await read(`cursor=${body.nextCursor}&wait=0.01`));
      assert.equal(status, 200);
    });

    test('a page ends before its events are too large together, and goes on from there', async () => {
      const big = (n: number) => `${n}${'x'.repeat(700)}`;
      for (let n = 0; n < 5; n++) await write(node, big(n), { id: 'a' });
      await write(node, '5'.repeat(5_000), { id: 'b' });
      await write(node, '6', { id: 'a' });
      const sizes: number[] = [];
      const found: string[] = [];
      for (let cursor = ''; found.length < 7; ) {
        const { body } = await read(`limit=10${cursor}`);
        sizes.push(body.items.length);
        found.push(...names(body));
        cursor = `&cursor=${body.nextCursor}`;
      }
      assert.deepEqual(sizes, [2, 2, 1, 1, 1]);
      assert.deepEqual(
        found.map(it => it[0]),
        ['0', '1', '2', '3', '4', '5', '6'],
      );
    });

    test('who missed some is told, and who was only slow is not', async () => {
      for (const name of ['a0', 'a1']) await write(node, name, { id: 'a', daysAgo: 8 });
      await write(node, 'theirs', { id: 'a', tenant: 'other', daysAgo: 8 });
      await write(node, 'kept', { id: 'a', daysAgo: 6 });
      const first = (await read('limit=1')).body.nextCursor;
      const second = (await read('limit=2')).body.nextCursor;
      const filtered = (await read('kind=device.status')).body.nextCursor;
      await removeEvents(node.database, 7, 100);
      const missed = await read(`cursor=${first}`);
      assert.deepEqual([missed.status, missed.body.type], [410, 'events_gone']);
      // It has read all that is removed of its tenant; what other tenants had is none of its business.
      assert.deepEqual(names((await read(`cursor=${second}`)).body), ['kept']);
      assert.deepEqual(names((await read(`kind=device.status&cursor=${filtered}`)).body), []);
      assert.deepEqual(names((await read()).body), ['kept']);
    });
  });

/** Until whoever waits has been looked for at least once. */
async function untilQueried(node: RestNode): Promise<void> {
  const { database } = node;
  const { query } = database;
  await new Promise<void>(resolve => {
    database.query = ((sql: string, params?: unknown[]) => {
      if (sql.includes('horizonTx')) resolve();
      return query.call(database, sql, params);
    }) as typeof query;
  });
  database.query = query;
}

describe('the events for the services', () => {
  let node: RestNode;
  const listener = new ServiceBroker({ logger: false });
  before(async () => {
    node = await startRestNode({ env: { SKEIN_LIMIT_EVENT_RELAY_BATCH: '2' } });
    await register(node, 'a');
    await write(node, 'before the first start', { id: 'a' });
  });
  after(async () => {
    await node.stop();
    await listener.stop();
  });

  test('are said in their order, each with its tenant and device, from where it was', async () => {
    const heard: { name: string; tenant: string; deviceId: string; at: number }[] = [];
    let onHeard = () => {};
    const hear = (payload: unknown) => {
      heard.push(payload as never);
      onHeard();
    };
    const until = (count: number) =>
      new Promise<void>(resolve => {
        onHeard = () => heard.length >= count && resolve();
        onHeard();
      });
    node.broker.createService({
      name: 'listener',
      events: { ...on(device.update, hear), ...on(device.status, hear), ...on(device.command, hear) },
    });
    const start = async () => {
      const service = node.broker.createService(eventsService(node));
      await node.broker.waitForServices('events');
      return service;
    };
    const service = await start();
    for (const name of ['one', 'two', 'three']) await write(node, name, { id: 'a' });
    await write(node, 'four', { id: 'a', kind: 'device.status' });
    await until(4);
    await node.broker.destroyService(service);
    await write(node, 'while nobody was there', { id: 'a', kind: 'device.command' });
    await start();
    await until(5);
    assert.deepEqual(
      heard.map(it => it.name),
      ['one', 'two', 'three', 'four', 'while nobody was there'],
    );
    const { tenant, deviceId, at } = heard[0]!;
    assert.deepEqual([tenant, deviceId, typeof at], ['default', 'a', 'number']);
    // Its position is there already, so nothing is skipped.
    await beginReading(node.database, 'relay');
  });
});

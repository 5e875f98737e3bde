/** The way through real actors: what only they decide. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LIMITS } from '../../contracts/limits.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { Waiters } from '../../mixins/waiters.ts';
import { commandsService } from '../../services/commands.service.ts';
import { send } from './commands-node.ts';
import { ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`commands by way of actors on ${engine}`, () => {
    let node: RestNode;
    let way: Ingress;
    before(async () => {
      node = await startRestNode({
        engine,
        ingress: real => {
          way = real;
          return real;
        },
      });
      if (!node.broker.getLocalService('commands'))
        node.broker.createService(commandsService({ ...node, address: 'rest-test' }, way, new Waiters(10)));
      await node.broker.waitForServices('commands');
    });
    after(() => node?.stop());

    test('a command for a device that is not there waits, and is cancelled without an attempt', async () => {
      await register(node, 'away');
      const { status, body } = await send(node, 'away', { command: 'c', parameters: { a: [1] } });
      assert.deepEqual([status, body.state, body.attempt], [202, 'queued', 0]);
      assert.deepEqual((await ask(node, `GET /api/v1/commands/${body.id}`)).body, body);
      const cancelled = await ask(node, `POST /api/v1/commands/${body.id}/cancel`, { body: { reason: 'enough' } });
      assert.deepEqual([cancelled.status, cancelled.body.state], [200, 'cancelled']);
      assert.deepEqual((await ask(node, `GET /api/v1/commands/${body.id}`)).body, cancelled.body);
    });

    test('one key is one command, however many ask at once and for however many devices', async () => {
      await register(node, 'one');
      await register(node, 'two');
      const all = await Promise.all(
        Array.from({ length: 6 }, () => send(node, 'one', { command: 'c' }, { idempotencyKey: 'k' })),
      );
      assert.deepEqual([...new Set(all.map(it => it.status))], [202]);
      assert.equal(new Set(all.map(it => it.body.id)).size, 1);
      const both = await Promise.all(
        ['one', 'two'].map(id => send(node, id, { command: 'c' }, { idempotencyKey: 'both' })),
      );
      assert.deepEqual(both.map(it => it.status).sort(), [202, 409]);
      const { items } = (await ask(node, 'GET /api/v1/commands?command=c')).body;
      assert.equal(items.filter((it: { deviceId: string }) => ['one', 'two'].includes(it.deviceId)).length, 2);
    });

    test('one more than the open commands that a device may have is refused', async () => {
      await register(node, 'busy');
      const all = await Promise.all(
        Array.from({ length: LIMITS.deviceOpenCommands }, () => send(node, 'busy', { command: 'c' })),
      );
      assert.ok(all.every(it => it.status === 202));
      const { status, body } = await send(node, 'busy', { command: 'c' });
      assert.deepEqual([status, body.type], [409, 'too_many_commands']);
      await ask(node, `POST /api/v1/commands/${all[0]!.body.id}/cancel`, { body: {} });
      assert.equal((await send(node, 'busy', { command: 'c' })).status, 202);
    });

    test('a newer command takes the place of one that waits', async () => {
      await register(node, 'replaced');
      const { id } = (await send(node, 'replaced', { command: 'c', supersedes: 'target' })).body;
      await send(node, 'replaced', { command: 'c', supersedes: 'other' });
      assert.equal((await ask(node, `GET /api/v1/commands/${id}`)).body.state, 'queued');
      await send(node, 'replaced', { command: 'd', supersedes: 'target' });
      assert.equal((await ask(node, `GET /api/v1/commands/${id}`)).body.state, 'superseded');
    });
  });

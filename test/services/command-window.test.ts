import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { actors } from '../../contracts/actors.contract.ts';
import { ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`the command window of a device on ${engine}`, () => {
    let node: RestNode;
    const heard: string[] = [];
    before(async () => {
      node = await startRestNode({ engine });
      const hear = (ctx: { params: { tenant: string; device: string } }) =>
        heard.push(`changed ${ctx.params.tenant}/${ctx.params.device}`);
      node.broker.createService({ name: 'listener', events: { [actors.changed.name]: hear } as never });
      await node.broker.waitForServices('listener');
    });
    after(() => node.stop());

    test('a device may have its own command window, and its actor is told when that changes', async () => {
      await register(node, 'usual');
      assert.equal((await ask(node, 'GET /api/devices/usual')).body.commandWindow, null);
      await register(node, 'wide', { commandWindow: 10 });
      assert.equal((await ask(node, 'GET /api/devices/wide')).body.commandWindow, 10);
      heard.length = 0;
      const narrowed = await ask(node, 'PATCH /api/devices/wide', { body: { commandWindow: 2 } });
      assert.deepEqual([narrowed.status, narrowed.body.commandWindow, narrowed.body.version], [200, 2, 2]);
      assert.deepEqual(heard, ['changed default/wide']);
      const beyond = await ask(node, 'PATCH /api/devices/wide', { body: { commandWindow: 11 } });
      assert.deepEqual([beyond.status, beyond.body.type], [400, 'invalid_request']);
      assert.equal((await ask(node, 'PATCH /api/devices/wide', { body: { name: 'w' } })).body.commandWindow, 2);
      assert.equal(
        (await ask(node, 'PATCH /api/devices/wide', { body: { commandWindow: null } })).body.commandWindow,
        null,
      );
    });

    for (const commandWindow of [0, 11, -1, 1.5, '2', [1]])
      test(`a command window of ${JSON.stringify(commandWindow)} is refused`, async () => {
        const { status, body } = await ask(node, 'POST /api/devices', { body: { commandWindow } });
        assert.deepEqual([status, body.type], [400, 'invalid_request']);
      });
  });

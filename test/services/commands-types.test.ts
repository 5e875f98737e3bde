import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CommandsNode, send, startCommandsNode } from './commands-node.ts';
import { ENGINES, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`commands of device types on ${engine}`, () => {
    let node: CommandsNode;
    before(async () => {
      node = await startCommandsNode({ engine });
    });
    after(() => node?.stop());

    const defineType = (name: string, commands: unknown) =>
      node.database.query(
        `INSERT INTO device_type (tenant_id, name, commands) SELECT tenant_id, $1, $2::jsonb FROM tenant WHERE slug = 'default'
         ON CONFLICT (tenant_id, name) DO UPDATE SET commands = excluded.commands, version = device_type.version + 1`,
        [name, JSON.stringify(commands)],
      );
    /** The answer's status and type, and that nothing went to an actor. */
    const refused = async (device: string, body: unknown, more?: Parameters<typeof send>[3]) => {
      const asked = node.actors.asked.length;
      const answer = await send(node, device, body, more);
      assert.equal(node.actors.asked.length, asked, `${JSON.stringify(body).slice(0, 80)} went to an actor`);
      return [answer.status, answer.body.type];
    };

    test('a type says which commands there are, what fits them and what is usual', async () => {
      await defineType('heater', {
        heat: {
          parameters: { type: 'object', properties: { target: { type: 'number', maximum: 30 } }, required: ['target'] },
          mode: 'once',
          priority: 'high',
          ttlMs: 1_000,
        },
        off: {},
      });
      await register(node, 'heater-1', { type: 'heater' });
      assert.deepEqual(await refused('heater-1', { command: 'fly' }), [422, 'command_unknown']);
      assert.deepEqual(await refused('heater-1', { command: 'heat' }), [422, 'command_parameters_invalid']);
      const { body } = await send(node, 'heater-1', { command: 'heat', parameters: { target: 31 } });
      assert.deepEqual(
        [body.type, body.detail],
        ['command_parameters_invalid', 'heat: parameters/target must be <= 30'],
      );
      const taken = (await send(node, 'heater-1', { command: 'heat', parameters: { target: 30 } })).body;
      assert.deepEqual([taken.mode, taken.priority], ['once', 'high']);
      assert.equal(Date.parse(taken.deadline) - Date.parse(taken.createdAt), 1_000);
      const own = { command: 'heat', parameters: { target: 1 }, mode: 'retry', priority: 'low', ttlMs: 9_000 };
      const said = (await send(node, 'heater-1', own)).body;
      assert.deepEqual([said.mode, said.priority], ['retry', 'low']);
      assert.equal((await send(node, 'heater-1', { command: 'off', parameters: { any: 1 } })).status, 202);
    });

    test('a type that changes is used as it is now', async () => {
      await defineType('changing', { a: { parameters: { required: ['x'] } } });
      await register(node, 'changing-1', { type: 'changing' });
      assert.deepEqual(await refused('changing-1', { command: 'a' }), [422, 'command_parameters_invalid']);
      await defineType('changing', { a: {} });
      assert.equal((await send(node, 'changing-1', { command: 'a' })).status, 202);
      await defineType('changing', { b: {} });
      assert.deepEqual(await refused('changing-1', { command: 'a' }), [422, 'command_unknown']);
      await node.database.query(
        `UPDATE device_type SET commands = NULL, version = version + 1 WHERE name = 'changing'`,
      );
      assert.equal((await send(node, 'changing-1', { command: 'a' })).status, 202);
      await register(node, 'untyped', { type: 'never described' });
      assert.equal((await send(node, 'untyped', { command: 'a' })).status, 202);
    });

    test('a pattern that takes other engines for ever does not hold up anybody', async () => {
      await defineType('patterned', { say: { parameters: { properties: { text: { pattern: '^(a+)+$' } } } } });
      await register(node, 'patterned-1', { type: 'patterned' });
      const text = 'a'.repeat(30_000);
      assert.equal((await send(node, 'patterned-1', { command: 'say', parameters: { text } })).status, 202);
      const wrong = { command: 'say', parameters: { text: `${text}!` } };
      assert.deepEqual(await refused('patterned-1', wrong), [422, 'command_parameters_invalid']);
    });

    test('parameters that would take long to check are refused', async () => {
      const text = { pattern: '[ab]*a[ab]{200}[cd]$' };
      await defineType('slow', { say: { parameters: { properties: { text } } } });
      await register(node, 'slow-1', { type: 'slow' });
      const long = { command: 'say', parameters: { text: 'ab'.repeat(15_000) } };
      assert.deepEqual(await refused('slow-1', long), [413, 'too_large']);
      const wrong = { command: 'say', parameters: { text: 'ab' } };
      assert.deepEqual(await refused('slow-1', wrong), [422, 'command_parameters_invalid']);
    });

    test('types of the same name of two tenants are two', async () => {
      await node.database.query(`INSERT INTO tenant (slug) VALUES ('third')`);
      await node.database.query(
        `INSERT INTO device_type (tenant_id, name, commands) SELECT tenant_id, 'foreign', '{}' FROM tenant WHERE slug = 'third'`,
      );
      await register(node, 'foreign-1', { type: 'foreign' });
      assert.equal((await send(node, 'foreign-1', { command: 'any' })).status, 202);
      await defineType('foreign', {});
      assert.deepEqual(await refused('foreign-1', { command: 'any' }), [422, 'command_unknown']);
    });
  });

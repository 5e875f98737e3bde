import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { CommandRecord } from '../../contracts/commands.ts';
import { type CommandsNode, send, startCommandsNode } from './commands-node.ts';
import { ask, register } from './rest-node.ts';

describe('waiting for the end of a command', () => {
  let node: CommandsNode;
  before(async () => {
    node = await startCommandsNode();
    await register(node, 'device');
  });
  after(() => node?.stop());
  afterEach(() => {
    node.actors.stored = () => {};
    assert.equal(node.waiters.size, 0);
  });

  const c = { command: 'c' };
  /** Does something with the next command as soon as it is stored. */
  const withNext = (act: (command: CommandRecord) => Promise<unknown>) => {
    node.actors.stored = async command => {
      node.actors.stored = () => {};
      await act(command);
    };
  };
  /** Later than the answer of the actor. */
  const soon = (act: () => Promise<unknown>) => void setTimeout(() => void act(), 50);

  test('who is told answers with the command as it ended', async () => {
    withNext(async ({ id }) =>
      soon(async () => node.waiters.tell([await node.actors.end(id, 'succeeded', { result: 7 })])),
    );
    const { status, body, headers } = await send(node, 'device', c, { query: '?wait=30' });
    assert.deepEqual([status, body.state, body.result, body.deviceId], [200, 'succeeded', 7, 'device']);
    assert.equal(headers.get('location'), `/api/v1/commands/${body.id}`);
    assert.deepEqual((await ask(node, `GET /api/v1/commands/${body.id}`)).body, body);
    const { request } = node.actors.asked.at(-1)!;
    assert.ok(request.type === 'command' && request.notify === node.config.nodeId);
  });

  test('an end that is told before the beginning is not missed', async () => {
    withNext(async ({ id }) => node.waiters.tell([await node.actors.end(id, 'failed')]));
    const { status, body } = await send(node, 'device', c, { query: '?wait=30' });
    assert.deepEqual([status, body.state], [200, 'failed']);
  });

  test('who is not told finds it in the database', async () => {
    withNext(async ({ id }) => soon(() => node.actors.end(id, 'rejected')));
    const { status, body } = await send(node, 'device', c, { query: '?wait=30' });
    assert.deepEqual([status, body.state], [200, 'rejected']);
  });

  test('what has not ended in time answers as it is by then', async () => {
    withNext(async ({ id }) =>
      soon(() => node.database.query(`UPDATE command SET state = 'sent', attempt = 1 WHERE command_id = $1`, [id])),
    );
    const { status, body } = await send(node, 'device', c, { query: '?wait=0.3' });
    assert.deepEqual([status, body.state, body.attempt], [202, 'sent', 1]);
  });

  test('a command that was there before is waited for, too', async () => {
    const first = await send(node, 'device', c, { idempotencyKey: 'k' });
    soon(async () => node.waiters.tell([await node.actors.end(first.body.id, 'succeeded')]));
    const again = await send(node, 'device', c, { idempotencyKey: 'k', query: '?wait=30' });
    assert.deepEqual([again.status, again.body.id, again.body.state], [200, first.body.id, 'succeeded']);
    const third = await send(node, 'device', c, { idempotencyKey: 'k', query: '?wait=30' });
    assert.deepEqual(third.body, again.body);
  });

  test('no wait is no wait', async () => {
    for (const wait of ['NaN', 'x', ''])
      assert.equal((await send(node, 'device', c, { query: `?wait=${wait}` })).body.detail, 'wait must be a number');
    assert.equal((await send(node, 'device', c, { query: '?wait=0' })).status, 202);
  });

  test('who is refused does not wait', async () => {
    node.actors.instead = { state: 'answered', answer: { error: 'too_many_open', detail: '' } };
    const { status } = await send(node, 'device', c, { query: '?wait=30' });
    node.actors.instead = undefined;
    assert.equal(status, 409);
  });

  // It could wait for a minute: that it ended by itself is no proof.
  test('a client that goes away ends its wait', { timeout: 30_000 }, async () => {
    const gone = new AbortController();
    const stored = Promise.withResolvers<string>();
    withNext(async ({ id }) => stored.resolve(id));
    const asked = fetch(`${node.url}/api/v1/devices/device/commands?wait=60`, {
      method: 'POST',
      headers: { authorization: `Bearer ${node.adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(c),
      signal: gone.signal,
    });
    await stored.promise;
    assert.equal(node.waiters.size, 1);
    gone.abort();
    await assert.rejects(asked, { name: 'AbortError' });
    while (node.waiters.size > 0) await new Promise(resolve => setTimeout(resolve, 10));
  });
});

describe('when too many wait', () => {
  test('one more is refused before anything is stored, and a place that is free again is taken', async t => {
    const node = await startCommandsNode({ env: { SKEIN_LIMIT_COMMAND_WAITERS: '1' } });
    t.after(() => node.stop());
    await register(node, 'device');
    const stored = Promise.withResolvers<string>();
    node.actors.stored = ({ id }) => stored.resolve(id);
    const first = send(node, 'device', { command: 'a' }, { query: '?wait=60' });
    const id = await stored.promise;
    const { status, body } = await send(node, 'device', { command: 'b' }, { query: '?wait=60' });
    assert.deepEqual([status, body.type], [503, 'overloaded']);
    assert.equal(node.actors.asked.length, 1);
    assert.equal((await send(node, 'device', { command: 'b' })).status, 202);
    node.waiters.tell([await node.actors.end(id, 'succeeded')]);
    assert.equal((await first).status, 200);
    assert.equal((await send(node, 'device', { command: 'b' }, { query: '?wait=0.01' })).status, 202);
  });
});

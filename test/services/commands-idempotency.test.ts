import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CommandsNode, send, startCommandsNode } from './commands-node.ts';
import { addTenant, ask, ENGINES, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`the idempotency keys of commands on ${engine}`, () => {
    let node: CommandsNode;
    let otherKey: string;
    before(async () => {
      node = await startCommandsNode({ engine });
      otherKey = await addTenant(node, 'other');
      await register(node, 'device');
    });
    after(() => node?.stop());

    const count = async (): Promise<number> => {
      const [row] = await node.database.query<{ n: number }>('SELECT count(*)::int8 AS n FROM command');
      return row!.n;
    };

    test('the same key and request is the same command, however it is by now', async () => {
      const body = { command: 'c', parameters: { a: 1 }, ttlMs: 60_000 };
      const first = await send(node, 'device', body, { idempotencyKey: 'k1' });
      const again = await send(node, 'device', body, { idempotencyKey: 'k1' });
      assert.deepEqual([again.status, again.body], [202, first.body]);
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      await node.actors.end(first.body.id, 'succeeded', { result: { done: 1 } });
      const ended = await send(node, 'device', body, { idempotencyKey: 'k1' });
      assert.deepEqual(
        [ended.status, ended.body.id, ended.body.state, ended.body.result],
        [200, first.body.id, 'succeeded', { done: 1 }],
      );
    });

    test('the order of names makes no other request', async () => {
      const body = { command: 'c', parameters: { a: 1, b: { c: 1, d: [2] } } };
      const first = await send(node, 'device', body, { idempotencyKey: 'order' });
      const same = { parameters: { b: { d: [2], c: 1 }, a: 1 }, command: 'c' };
      assert.equal((await send(node, 'device', same, { idempotencyKey: 'order' })).body.id, first.body.id);
      const other = { ...same, parameters: { a: 1, b: { c: 1, d: [3] } } };
      assert.equal((await send(node, 'device', other, { idempotencyKey: 'order' })).status, 409);
    });

    test('without a key each request is a command of its own', async () => {
      const before = await count();
      await send(node, 'device', { command: 'c' });
      await send(node, 'device', { command: 'c' });
      assert.equal(await count(), before + 2);
    });

    test('the same key with any other request is refused, and nothing is stored', async () => {
      await register(node, 'second');
      const body = { command: 'c', parameters: { a: 1 } };
      await send(node, 'device', body, { idempotencyKey: 'k2' });
      const before = await count();
      for (const [device, other] of [
        ['second', body],
        ['device', { ...body, command: 'd' }],
        ['device', { ...body, parameters: { a: 2 } }],
        ['device', { ...body, mode: 'once' }],
        ['device', { ...body, ttlMs: 1 }],
        ['device', { ...body, supersedes: 'x' }],
      ] as const) {
        const answer = await send(node, device, other, { idempotencyKey: 'k2' });
        assert.deepEqual([answer.status, answer.body.type], [409, 'idempotency_key_reused'], JSON.stringify(other));
      }
      assert.equal(await count(), before);
      assert.equal((await send(node, 'device', body, { idempotencyKey: 'k2' })).status, 202);
    });

    test('of requests at once with one key, one makes the command and all answer with it', async () => {
      const before = await count();
      const all = await Promise.all(
        Array.from({ length: 8 }, () => send(node, 'device', { command: 'c' }, { idempotencyKey: 'race' })),
      );
      assert.deepEqual([...new Set(all.map(it => it.status))], [202]);
      assert.equal(new Set(all.map(it => it.body.id)).size, 1);
      assert.equal(await count(), before + 1);
    });

    test('of different requests at once with one key, one is taken and the others are refused', async () => {
      const all = await Promise.all(
        [1, 2, 3].map(n => send(node, 'device', { command: 'c', parameters: { n } }, { idempotencyKey: 'fight' })),
      );
      assert.deepEqual(all.map(it => it.status).sort(), [202, 409, 409]);
      assert.ok(all.every(it => it.status === 202 || it.body.type === 'idempotency_key_reused'));
    });

    test('a deadline that has passed since does not matter to a request that was taken', async () => {
      const body = { command: 'c', deadline: new Date(Date.now() + 60_000).toISOString() };
      const first = (await send(node, 'device', body, { idempotencyKey: 'late' })).body;
      const later = Date.now() + 120_000;
      const { now } = Date;
      Date.now = () => later;
      try {
        assert.equal((await send(node, 'device', body, { idempotencyKey: 'late' })).body.id, first.id);
        assert.equal((await send(node, 'device', body)).status, 400);
      } finally {
        Date.now = now;
      }
    });

    test('each tenant has its own keys, and all applications of one share them', async () => {
      await register(node, 'device', {}, otherKey);
      const mine = await send(node, 'device', { command: 'c' }, { idempotencyKey: 'shared' });
      const theirs = await send(node, 'device', { command: 'c' }, { idempotencyKey: 'shared', key: otherKey });
      assert.deepEqual([mine.status, theirs.status], [202, 202]);
      assert.notEqual(mine.body.id, theirs.body.id);
    });

    test('a device that is at its end since still answers with the command of before', async () => {
      await register(node, 'leaving');
      const first = await send(node, 'leaving', { command: 'c' }, { idempotencyKey: 'leave' });
      await ask(node, 'DELETE /api/v1/devices/leaving');
      const again = await send(node, 'leaving', { command: 'c' }, { idempotencyKey: 'leave' });
      assert.deepEqual([again.status, again.body.id], [202, first.body.id]);
      assert.equal((await send(node, 'leaving', { command: 'c' }, { idempotencyKey: 'other' })).status, 409);
    });

    test('an open command that the actor knows by its key is answered, whatever id was asked for', async () => {
      const first = (await send(node, 'device', { command: 'known' }, { idempotencyKey: 'known' })).body;
      const { id, state, attempt } = first;
      node.actors.instead = { state: 'answered', answer: { progress: { id, state, attempt, transitions: [] } } };
      try {
        assert.deepEqual((await send(node, 'device', { command: 'known' }, { idempotencyKey: 'known' })).body, first);
        // As if the reading before had missed it.
        const missed = await send(node, 'device', { command: 'known' });
        assert.equal(missed.body.id, first.id);
      } finally {
        node.actors.instead = undefined;
      }
    });
  });

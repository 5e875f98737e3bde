import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Context, ServiceBroker } from 'moleculer';
import { action, announce, call, contract, event, implement, type Meta } from '../../contracts/contract.ts';
import { errorTypeOf, SkeinError } from '../../contracts/errors.ts';

const lamps = contract('lamps', {
  get: action({ id: 'string' }, { needs: 'anyone' }).returns<{ id: string; lit: boolean }>(),
  dim: action(
    { id: 'string', percent: { type: 'number', max: 100, optional: true } },
    { needs: 'anyone' },
  ).returns<number>(),
  who: action({}, { needs: 'anyone' }).returns<string>(),
  broke: event<{ id: string }>(),
});

/** Two nodes in one process that speak by messages only, so that whatever a hop loses is lost here too. */
const lampNode = new ServiceBroker({ nodeID: 'lamp-node', transporter: 'Fake', logger: false });
const callerNode = new ServiceBroker({ nodeID: 'caller-node', transporter: 'Fake', logger: false });
const heard: unknown[] = [];

before(async () => {
  lampNode.createService(
    implement(
      lamps,
      {
        get: ctx => {
          if (ctx.params.id === 'none') throw new SkeinError('not_found', 'No lamp has this id', { id: 'none' });
          if (ctx.params.id === 'bad') throw new TypeError('a defect');
          return { id: ctx.params.id, lit: true };
        },
        dim: async ctx => ctx.params.percent ?? -1,
        who: ctx => ctx.meta.requestId ?? 'nobody',
      },
      { events: { [lamps.broke.name]: (ctx: Context) => void heard.push(ctx.params) } },
    ),
  );
  await Promise.all([lampNode.start(), callerNode.start()]);
  await callerNode.waitForServices('lamps', 5_000);
});
after(() => Promise.all([callerNode.stop(), lampNode.stop()]));

/** What a call rejects with. */
const rejection = (promise: Promise<unknown>): Promise<{ type: string; code: number; data: unknown }> =>
  promise.then(
    value => assert.fail(`it resolved with ${JSON.stringify(value)}`),
    error => error,
  );

test('a contract gives its actions and events the names that Moleculer knows them by', () => {
  assert.equal(lamps.get.name, 'lamps.get');
  assert.equal(lamps.broke.name, 'lamps.broke');
  assert.ok(lampNode.registry.actions.isAvailable(lamps.get.name));
});

for (const [where, broker] of [
  ['on the same node', lampNode],
  ['on another node', callerNode],
] as const) {
  test(`a call ${where} reaches its handler and its result comes back`, async () => {
    assert.deepEqual(await call(broker, lamps.get, { id: 'a' }), { id: 'a', lit: true });
    assert.equal(await call(broker, lamps.dim, { id: 'a', percent: 40 }), 40);
    assert.equal(await call(broker, lamps.dim, { id: 'a' }), -1);
  });

  test(`a parameter that the rules do not have is refused ${where}`, async () => {
    const error = await rejection(call(broker, lamps.get, { id: 'a', verbos: true } as { id: string }));
    assert.equal(error.type, 'VALIDATION_ERROR');
    assert.match(JSON.stringify(error.data), /objectStrict/);
  });

  test(`a parameter that is missing or of another type is refused ${where}`, async () => {
    for (const params of [{}, { id: 7 }, { id: 'a', percent: 101 }])
      assert.equal((await rejection(call(broker, lamps.dim, params as { id: string }))).type, 'VALIDATION_ERROR');
  });

  test(`an error of the table keeps its type, status and data ${where}`, async () => {
    const error = await rejection(call(broker, lamps.get, { id: 'none' }));
    assert.deepEqual([errorTypeOf(error), error.code, error.data], ['not_found', 404, { id: 'none' }]);
  });

  test(`a defect is an internal error ${where}`, async () => {
    assert.equal(errorTypeOf(await rejection(call(broker, lamps.get, { id: 'bad' }))), 'internal');
  });

  test(`meta travels beside the parameters ${where}`, async () => {
    const meta: Meta = { requestId: 'r1' };
    assert.equal(await call(broker, lamps.who, {}, { meta }), 'r1');
  });
}

test('an event reaches the services that listen, on every node', async () => {
  announce(lampNode, lamps.broke, { id: 'near' });
  announce(callerNode, lamps.broke, { id: 'far' });
  // Messages between the nodes are handled in order, so an answer after the events means that they were heard.
  await call(callerNode, lamps.get, { id: 'a' });
  assert.deepEqual(heard, [{ id: 'near' }, { id: 'far' }]);
});

test('without the strict rule an unknown parameter would pass: the guard is what refuses it', async () => {
  const schema = implement(lamps, { get: () => ({ id: 'a', lit: true }), dim: () => 1, who: () => '' });
  const actions = schema.actions as Record<string, { params: Record<string, unknown> }>;
  assert.equal(actions.get!.params.$$strict, true);
  delete actions.get!.params.$$strict;
  const broker = new ServiceBroker({ logger: false });
  broker.createService({ ...schema, name: 'lax' });
  await broker.start();
  try {
    assert.deepEqual(await broker.call('lax.get', { id: 'a', verbos: true }), { id: 'a', lit: true });
  } finally {
    await broker.stop();
  }
});

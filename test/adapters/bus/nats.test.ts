/** What the bus does with calls, errors and nodes that are gone: what Skein is built on, so a new Moleculer must keep to it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Context, ServiceBroker } from 'moleculer';
import { SkeinError } from '../../../contracts/errors.ts';
import { type NatsServer, startNats } from '../../support/nats.ts';
import { startBroker, until } from './brokers.ts';

let nats: NatsServer;
let here: ServiceBroker;
let there: ServiceBroker;
const events: unknown[] = [];

const thing = {
  name: 'thing',
  actions: {
    echo: (ctx: Context) => ctx.params,
    kindOf: (ctx: Context<{ payload: object }>) => ctx.params.payload.constructor.name,
    refuse: () => {
      throw new SkeinError('not_owner', 'Another instance', { epoch: 7 });
    },
    hang: () => new Promise(() => {}),
  },
  events: { 'thing.happened': (ctx: Context) => void events.push(ctx.params) },
};

before(async () => {
  nats = await startNats();
  [here, there] = await Promise.all([startBroker(nats.url, 'here'), startBroker(nats.url, 'there', [thing])]);
  await here.waitForServices('thing');
});
after(async () => {
  await here?.stop();
  await there?.stop();
  await nats?.stop();
});

/** How a call fails. */
const failure = async (action: string, nodeID: string, options = {}, params = {}) => {
  try {
    await here.call(action, params, { nodeID, ...options });
  } catch (error) {
    const { name, type, code, data, message } = error as SkeinError & { code: number };
    return { name, type, code, data, message };
  }
  return assert.fail(`${action} did not fail`);
};

test('bytes arrive as bytes, also inside of lists, and numbers up to 2^53 as they are', async () => {
  const payload = Uint8Array.of(0, 127, 128, 255);
  assert.equal(await here.call('thing.kindOf', { payload }), 'Uint8Array');
  const echo = (await here.call('thing.echo', {
    payloads: [payload],
    session: 2 ** 53 - 1,
    rate: 0.1,
    none: null,
  })) as {
    payloads: Uint8Array[];
  };
  assert.deepEqual(echo, { payloads: [payload], session: 2 ** 53 - 1, rate: 0.1, none: null });
});

test('the type, data, code and words of an error survive the way; its class does not', async () => {
  const { name, ...kept } = await failure('thing.refuse', 'there');
  assert.deepEqual(kept, { type: 'not_owner', code: 503, data: { epoch: 7 }, message: 'Another instance' });
  await assert.rejects(here.call('thing.refuse'), error => !(error instanceof SkeinError));
});

test('a call to a node that nobody knows, or to an action that it lacks, fails before it is sent', async () => {
  assert.equal((await failure('thing.echo', 'nowhere')).type, 'SERVICE_NOT_FOUND');
  assert.equal((await failure('thing.nothing', 'there')).type, 'SERVICE_NOT_FOUND');
});

test('a call without an answer fails at its time limit', async () => {
  assert.equal((await failure('thing.hang', 'there', { timeout: 50 })).type, 'REQUEST_TIMEOUT');
});

test('a call that is larger than the bus takes fails at once, by itself', async () => {
  const large = { payload: new Uint8Array(1_100_000) };
  assert.match((await failure('thing.echo', 'there', {}, large)).message, /MAX_PAYLOAD_EXCEEDED/);
  assert.deepEqual(await here.call('thing.echo', { still: 'here' }, { nodeID: 'there' }), { still: 'here' });
});

test('a call under way to a node that leaves is rejected, and the next is not sent', async () => {
  const leaving = await startBroker(nats.url, 'leaving', [{ ...thing, name: 'guest' }]);
  await here.waitForServices('guest');
  const underWay = failure('guest.hang', 'leaving', { timeout: 0 });
  await leaving.stop();
  assert.equal((await underWay).type, 'REQUEST_REJECTED');
  assert.equal((await failure('guest.echo', 'leaving')).type, 'SERVICE_NOT_FOUND');
});

test('what a node says to all is heard by all', async () => {
  await here.broadcast('thing.happened', { bytes: Uint8Array.of(1) });
  await until(() => events.length > 0);
  assert.deepEqual(events, [{ bytes: Uint8Array.of(1) }]);
});

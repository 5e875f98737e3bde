import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type Context, ServiceBroker } from 'moleculer';
import { watchNats } from '../../../adapters/bus/nats-link.ts';
import { reachNats } from '../../../adapters/bus/reach-nats.ts';
import { freePort } from '../../support/free-port.ts';
import { type NatsServer, startNats } from '../../support/nats.ts';
import { startBroker, until } from './brokers.ts';

let nats: NatsServer;
let brokers: ServiceBroker[] = [];
before(async () => {
  nats = await startNats();
});
after(() => nats?.stop());
afterEach(async () => {
  for (const broker of brokers) await broker.stop();
  brokers = [];
});

const events: unknown[] = [];
let asked = 0;
const thing = {
  name: 'thing',
  actions: { ask: () => ++asked },
  events: { 'thing.happened': (ctx: Context) => void events.push(ctx.params) },
};

async function two() {
  brokers = await Promise.all([startBroker(nats.url, 'here'), startBroker(nats.url, 'there', [thing])]);
  const [here, there] = brokers as [ServiceBroker, ServiceBroker];
  await here.waitForServices('thing');
  return { here, there, link: watchNats(here), other: watchNats(there) };
}

test('a NATS that dies is noticed, nothing is sent meanwhile, and both find each other again when it is back', async () => {
  const { here, link, other } = await two();
  assert.ok(link.isConnected() && other.isConnected());
  asked = 0;
  await nats.kill('SIGKILL');
  await until(() => !link.isConnected() && !other.isConnected());
  await assert.rejects(here.call('thing.ask', {}, { nodeID: 'there', timeout: 0 }), { type: 'unavailable' });
  await here.broadcast('thing.happened', 'while it is away');
  assert.equal((here.transit as unknown as { pendingRequests: Map<string, unknown> }).pendingRequests.size, 0);
  await nats.restart();
  await until(() => link.isConnected() && other.isConnected());
  assert.equal(await here.call('thing.ask', {}, { nodeID: 'there' }), 1);
  await here.broadcast('thing.happened', 'afterwards');
  await until(() => events.includes('afterwards'));
  assert.deepEqual(events, ['afterwards']);
});

test('a NATS that hangs is noticed although no connection ends', async () => {
  const { here, link } = await two();
  await nats.kill('SIGSTOP');
  await until(() => !link.isConnected());
  await nats.kill('SIGCONT');
  await until(() => link.isConnected());
  assert.ok(Number(await here.call('thing.ask', {}, { nodeID: 'there' })) > 0);
});

test('a node can stop while NATS is away', async () => {
  const { here, link } = await two();
  await nats.kill('SIGKILL');
  await until(() => !link.isConnected());
  await here.stop();
  assert.equal(link.isConnected(), false);
  await nats.restart();
});

test('without a bus nothing is connected', async () => {
  const broker = new ServiceBroker({ logger: false, skipProcessEventRegistration: true });
  brokers = [broker];
  await broker.start();
  assert.equal(watchNats(broker).isConnected(), false);
});

test('a NATS that can not be reached is named before the start, without the password', async () => {
  await assert.doesNotReject(reachNats(nats.url));
  const [one, other] = [await freePort(), await freePort()];
  await assert.rejects(reachNats(`nats://skein:secret@127.0.0.1:${one},nats://127.0.0.1:${other}`), {
    message: `No NATS server can be reached at 127.0.0.1:${one} or 127.0.0.1:${other} (CONNECTION_REFUSED)`,
  });
  await assert.doesNotReject(reachNats(`nats://127.0.0.1:${one},${nats.url}`));
  await assert.rejects(reachNats(nats.url.replace('nats:', 'tls:')), /has no TLS, and NATS_URL says tls:/);
});

test('user, password and token are taken from the URL as they were meant', async () => {
  const [locked, tokened] = await Promise.all([
    startNats({ args: ['--user', 'skein', '--pass', 'p%/@x'] }),
    startNats({ args: ['--auth', 's3:cret'] }),
  ]);
  try {
    const at = (account: string, { port }: NatsServer) => `nats://${account}127.0.0.1:${port}`;
    await assert.doesNotReject(reachNats(at('skein:p%25%2F%40x@', locked)));
    await assert.doesNotReject(reachNats(at('s3%3Acret@', tokened)));
    for (const account of ['', 'skein:wrong@'])
      await assert.rejects(reachNats(at(account, locked)), {
        message: `The NATS server at 127.0.0.1:${locked.port} does not accept the user and password of NATS_URL`,
      });
  } finally {
    await locked.stop();
    await tokened.stop();
  }
});

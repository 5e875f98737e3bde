import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, ServiceBroker } from 'moleculer';
import type { Grant, Principal } from '../../contracts/access.contract.ts';
import { audit, type RefusedAct } from '../../contracts/audit.contract.ts';
import { type Access, action, call, contract, implement, type Meta } from '../../contracts/contract.ts';
import { accessControl } from '../../mixins/access-control.ts';
import { limitOf } from '../../mixins/callers.ts';
import { ownDevice, program } from '../support/principals.ts';

const things = contract('things', {
  one: action({ id: 'string' }, { needs: 'devices:read', device: 'twin:read', of: 'id' }).returns<string>(),
  many: action({}, { needs: 'devices:read', of: 'devices' }).returns<string | null>(),
  forgetful: action({}, { needs: 'devices:read', of: 'devices' }).returns<string>(),
  whole: action({}, { needs: 'devices:read' }).returns<string>(),
  apart: action({}, { needs: 'devices:read', of: 'nothing' }).returns<string>(),
  either: action({}, { needs: ['users:read', 'audit:read'], of: 'nothing' }).returns<string>(),
  own: action({}, { needs: 'nobody', device: 'credentials:renew' }).returns<string>(),
  anybody: action({}, { needs: 'signed-in' }).returns<string>(),
  system: action({}, { needs: 'system:read' }).returns<string>(),
  open: action({}, { needs: 'anyone' }).returns<string>(),
});

const SENSORS: Grant = { permissions: ['devices:read'], limit: { types: ['sensor'] } };
const MINE: Grant = { permissions: ['devices:read', 'devices:write'], limit: { claimed: true, groups: ['hall'] } };
const ALL: Grant = { permissions: ['devices:read'], limit: null };
const OTHER: Grant = { permissions: ['audit:read'], limit: null };

async function started(t: { after(fn: () => unknown): void }) {
  const asked: unknown[] = [];
  const broker = new ServiceBroker({ logger: false, cacher: 'Memory' });
  broker.middlewares.add(
    accessControl(async (...question) => {
      asked.push(question);
      return question[1] === 'fits';
    }),
  );
  const schema = implement(things, {
    one: () => 'one',
    many: ctx => limitOf(ctx),
    forgetful: () => 'all devices',
    whole: () => 'whole',
    apart: () => 'apart',
    either: () => 'either',
    own: () => 'own',
    anybody: () => 'anybody',
    system: () => 'system',
    open: () => 'open',
  });
  Object.assign(schema.actions!.whole as object, { cache: { keys: ['#principal.tenantId'], ttl: 60 } });
  broker.createService(schema);
  const refused: unknown[] = [];
  broker.createService({
    name: 'log',
    events: { [audit.refused.name]: (ctx: Context<RefusedAct>) => void refused.push(ctx.params.target) },
  });
  await broker.start();
  t.after(() => broker.stop());
  const as = (principal: Principal | undefined) => ({ meta: { ...(principal && { principal }) } });
  return {
    asked,
    /** What was written down as refused. */
    refused,
    ask: (name: keyof typeof things, principal?: Principal, params: object = {}) =>
      call(broker, things[name] as never, params as never, as(principal)) as Promise<unknown>,
  };
}

test('without a principal only open actions answer', async t => {
  const { ask } = await started(t);
  assert.equal(await ask('open'), 'open');
  for (const name of ['one', 'many', 'whole', 'apart', 'either', 'own', 'anybody'] as const)
    await assert.rejects(ask(name, undefined, { id: 'x' }), { type: 'unauthorized' }, name);
});

test('a role that has the permission opens an action, one that lacks it does not, whatever else is wrong', async t => {
  const { ask } = await started(t);
  assert.equal(await ask('one', program(1, 't', [ALL]), { id: 'any' }), 'one');
  assert.equal(await ask('either', program(1, 't', [OTHER])), 'either');
  assert.equal(await ask('anybody', program(1, 't', [])), 'anybody');
  await assert.rejects(ask('one', program(1, 't', [OTHER]), { wrong: 1 }), { type: 'forbidden' });
  await assert.rejects(ask('either', program(1, 't', [ALL])), { type: 'forbidden' });
  await assert.rejects(ask('own', program(1, 't', [ALL])), { type: 'forbidden' });
});

test('a role that is limited to some devices opens those, and any other looks like one that is not there', async t => {
  const { ask, asked } = await started(t);
  const caller = program(7, 't', [SENSORS]);
  assert.equal(await ask('one', caller, { id: 'fits' }), 'one');
  await assert.rejects(ask('one', caller, { id: 'other' }), {
    type: 'not_found',
    message: 'There is no device "other"',
  });
  await assert.rejects(ask('one', caller, {}), { type: 'not_found' });
  await assert.rejects(ask('one', caller, { id: { $ne: 1 } }), { type: 'not_found' });
  assert.deepEqual(asked[0], [7, 'fits', '{"types":["sensor"],"tags":[],"groups":[]}']);
});

test('several limited roles add up, and one without a limit ends all of them', async t => {
  const { ask } = await started(t);
  const user = { ...program(1, 't', [SENSORS, MINE, OTHER]), id: '0193b3a0-7a11-7c3e-9d0a-2f4b6c8d0e1f' };
  const added = { types: ['sensor'], tags: [], groups: ['hall'] };
  assert.deepEqual(JSON.parse(String(await ask('many', user))), { ...added, claimedBy: user.id });
  // A program claims nothing.
  assert.deepEqual(JSON.parse(String(await ask('many', program(1, 't', [SENSORS, MINE])))), added);
  assert.equal(await ask('many', program(1, 't', [SENSORS, ALL])), null);
});

test('a limited role is not enough for what is about the whole tenant, and as good as any for what is about no device', async t => {
  const { ask } = await started(t);
  const caller = program(1, 't', [SENSORS]);
  await assert.rejects(ask('whole', caller), { type: 'forbidden' });
  assert.equal(await ask('apart', caller), 'apart');
});

test('a handler about several devices that forgets the limit of its caller answers nobody who has one', async t => {
  const { ask } = await started(t);
  assert.equal(await ask('forgetful', program(1, 't', [ALL])), 'all devices');
  await assert.rejects(ask('forgetful', program(1, 't', [SENSORS])), /did not look at the limit/);
});

test('a device opens what its credential has the scope for, about itself only', async t => {
  const { ask } = await started(t);
  const device = ownDevice(1, 't', 'd1');
  assert.equal(await ask('one', device, { id: 'd1' }), 'one');
  assert.equal(await ask('own', device), 'own');
  await assert.rejects(ask('one', device, { id: 'd2' }), { type: 'forbidden' });
  await assert.rejects(ask('one', { ...device, scopes: ['telemetry:publish'] }, { id: 'd1' }), { type: 'forbidden' });
  assert.equal(await ask('one', { ...device, scopes: ['twin:read'] }, { id: 'd1' }), 'one');
  for (const name of ['many', 'whole', 'apart', 'either', 'anybody'] as const)
    await assert.rejects(ask(name, device), { type: 'forbidden' }, name);
});

test('an answer that is kept for one caller is not given to another who may not have it', async t => {
  const { ask } = await started(t);
  assert.equal(await ask('whole', program(1, 't', [ALL])), 'whole');
  assert.equal(await ask('whole', program(1, 't', [ALL])), 'whole');
  await assert.rejects(ask('whole', program(1, 't', [OTHER])), { type: 'forbidden' });
});

test('a service with an action that does not say who may call it is not loaded', () => {
  const broker = new ServiceBroker({ logger: false });
  broker.middlewares.add(accessControl(async () => true));
  const schema = (access?: Access) => ({
    name: 'lamps',
    actions: { light: { ...(access && { access }), handler: (_ctx: Context<unknown, Meta>) => 'lit' } },
  });
  assert.throws(() => broker.createService(schema()), /lamps.light does not say who may call it/);
  broker.createService(schema({ needs: 'inside' }));
});

test('what is about the system as a whole is for the organization that runs it', async t => {
  const { ask } = await started(t);
  const member = program(1, 't', [{ permissions: ['system:read'], limit: null }]);
  await assert.rejects(ask('system', member), { type: 'forbidden' });
  assert.equal(await ask('system', { ...member, isOperator: true }), 'system');
});

test('whoever is known and refused is written down, also where its role is limited to some devices', async t => {
  const { ask, refused } = await started(t);
  await assert.rejects(ask('whole', program(1, 't', [SENSORS])), { type: 'forbidden' });
  await assert.rejects(ask('whole', program(1, 't', [OTHER])), { type: 'forbidden' });
  assert.deepEqual(refused, ['things.whole', 'things.whole']);
});

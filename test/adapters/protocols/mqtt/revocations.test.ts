import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Revocations } from '../../../../adapters/protocols/mqtt/revocations.ts';
import type { ProtocolHost } from '../../../../adapters/protocols/protocol.ts';
import type { MemberPrincipal, Principal, Revocation } from '../../../../contracts/access.contract.ts';
import { SkeinError } from '../../../../contracts/errors.ts';
import { ownDevice, program } from '../../../support/principals.ts';
import { connectPacket, connectRaw, openRaw } from '../../../support/raw-client.ts';
import { startMqtt, until } from './running-mqtt.ts';

const user = (id: string, login: string, tenant = 'default'): MemberPrincipal => ({
  ...program(1, tenant),
  kind: 'user',
  id,
  login,
});
const WHO: Record<string, Principal> = {
  d1: ownDevice(1, 'default', 'd1'),
  d2: ownDevice(1, 'default', 'd2'),
  k1: { ...program(1), id: 'k1' },
  k2: { ...program(1), id: 'k2' },
  u1: user('u1', 'l1'),
  u1too: user('u1', 'l2'),
  theirs: ownDevice(2, 'other', 'd1'),
  theirKey: { ...program(2, 'other'), id: 'k1' },
  theirUser: user('u1', 'l1', 'other'),
};
const authenticate = async (key: string) => WHO[key]!;

async function everybody(t: TestContext) {
  const running = await startMqtt(t, { authenticate });
  const clients = new Map<string, Awaited<ReturnType<typeof connectRaw>>>();
  for (const key of Object.keys(WHO))
    clients.set(key, await connectRaw(t, running.port, 5, { username: key, key, clientId: key }));
  return { ...running, clients };
}

const own = { tenant: 'default' } as const;
const revocations: readonly (readonly [Revocation, readonly string[]])[] = [
  [{ ...own, kind: 'device', subject: 'd1' }, ['d1']],
  [{ ...own, kind: 'device_key', subject: 'x', device: 'd1' }, ['d1']],
  [{ ...own, kind: 'device_token', subject: 'x', device: 'd1' }, ['d1']],
  [{ ...own, kind: 'certificate', subject: 'AB', device: 'd1' }, ['d1']],
  [{ ...own, kind: 'certificate', subject: 'AB' }, []],
  [{ ...own, kind: 'api_key', subject: 'k1' }, ['k1']],
  [{ ...own, kind: 'user', subject: 'u1' }, ['u1', 'u1too']],
  [{ ...own, kind: 'login', subject: 'l1' }, ['u1']],
  [{ ...own, kind: 'role', subject: 'viewer' }, ['k1', 'k2', 'u1', 'u1too']],
  [{ ...own, kind: 'tenant', subject: 'default' }, ['d1', 'd2', 'k1', 'k2', 'u1', 'u1too']],
];
for (const [revocation, ends] of revocations)
  test(`${revocation.kind} ${revocation.subject} revoked closes ${ends.join(', ') || 'nothing'} and nothing else`, async t => {
    const { clients, protocol } = await everybody(t);
    protocol.revoked(revocation);
    for (const [name, client] of clients)
      if (ends.includes(name)) assert.equal((await client.nextOf('disconnect')).reasonCode, 0x98, name);
      else await client.ping();
    await until(() => protocol.health().figures.connections === clients.size - ends.length);
  });

const wrong = () => new SkeinError('unauthorized', 'It was revoked');

for (const [name, revocation] of [
  ['d1', { ...own, kind: 'device', subject: 'd1' }],
  ['k1', { ...own, kind: 'api_key', subject: 'k1' }],
  ['u1', { ...own, kind: 'tenant', subject: 'default' }],
] as const) {
  test(`${name} does not get in with what somebody remembers, once ${revocation.kind} was revoked`, async t => {
    const asked: boolean[] = [];
    const { port, protocol } = await startMqtt(t, {
      authenticate: async (key, _username, _presented, isFresh) => {
        asked.push(isFresh);
        if (isFresh) throw wrong();
        return WHO[key]!;
      },
    });
    const connecting = { username: name, key: name };
    assert.equal((await connectRaw(t, port, 5, connecting)).connack.reasonCode, 0);
    assert.deepEqual(asked, [false]);
    protocol.revoked(revocation);
    assert.equal((await connectRaw(t, port, 5, connecting)).connack.reasonCode, 0x86);
    assert.deepEqual(asked, [false, false, true]);
  });

  test(`${name} loses when ${revocation.kind} is revoked while its credential is checked, and gets in when it is good still`, async t => {
    for (const isGoodStill of [false, true]) {
      const held: (() => void)[] = [];
      const check: ProtocolHost['authenticate'] = async (key, _username, _presented, isFresh) => {
        if (isFresh && !isGoodStill) throw wrong();
        if (!isFresh) await new Promise<void>(resolve => held.push(resolve));
        return WHO[key]!;
      };
      const { port, protocol } = await startMqtt(t, { authenticate: check });
      const client = await openRaw(t, port, 5);
      client.send(connectPacket(5, { username: name, key: name }));
      await until(() => held.length === 1);
      protocol.revoked(revocation);
      held[0]!();
      assert.equal((await client.next()).reasonCode, isGoodStill ? 0 : 0x86);
    }
  });
}

test('a revocation that comes while the good key is looked at once more wins too', async t => {
  const held: (() => void)[] = [];
  const { port, protocol } = await startMqtt(t, {
    authenticate: async key => {
      await new Promise<void>(resolve => held.push(resolve));
      return WHO[key]!;
    },
  });
  const client = await openRaw(t, port, 5);
  client.send(connectPacket(5, { username: 'k1', key: 'k1' }));
  for (const round of [1, 2]) {
    await until(() => held.length === round);
    protocol.revoked({ ...own, kind: 'api_key', subject: 'k1' });
    held[round - 1]!();
  }
  assert.equal((await client.next()).reasonCode, 0x86);
});

test('what had to be forgotten too early counts as being about everybody', () => {
  const few = new Revocations(2, 60_000);
  const before = few.soFar;
  few.note('device default/a');
  few.note('device default/b');
  assert.equal(few.lastOf(WHO.d1!), before);
  few.note('device default/c');
  assert.ok(few.lastOf(WHO.d1!) > before);
  assert.ok(few.lastOf(WHO.d1!) < few.soFar, 'a check that begins now counts');
});

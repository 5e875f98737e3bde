import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { devices } from '../../contracts/devices.contract.ts';
import type { Permission } from '../../contracts/permissions.ts';
import { provisioning } from '../../contracts/provisioning.contract.ts';
import { claimHash, newClaimText } from '../../services/provisioning/claim-codes.ts';
import { addUser, auditOf, makeBatch, provisionDevice, startProvisioningNode } from './provisioning-node.ts';
import { addTenant, ask, ENGINES, type RestNode, register } from './rest-node.ts';

const CLAIMING: Permission[] = ['devices:claim', 'devices:read'];
const OWN = [{ permissions: CLAIMING, limit: { claimed: true } as const }];

for (const engine of ENGINES)
  describe(`claims on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startProvisioningNode({ engine });
    });
    after(() => node.stop());

    const newCode = async (id: string, body?: object, key?: string) =>
      ask(node, `POST /api/v1/devices/${id}/claim-code`, { body, key });
    const codeOf = async (id: string, body?: object): Promise<string> => {
      await register(node, id);
      return (await newCode(id, body)).body.claimCode;
    };
    const claim = (principal: MemberPrincipal, claimCode: string, address = randomUUID()) =>
      call(node.broker, provisioning.claim, { claimCode }, { meta: { principal, address } });
    const release = (principal: MemberPrincipal, id: string) =>
      call(node.broker, provisioning.release, { id }, { meta: { principal } });
    const see = (principal: MemberPrincipal, id: string) =>
      call(node.broker, devices.get, { id }, { meta: { principal } });

    test('who claims a device sees it, and only it', async () => {
      const user = await addUser(node, OWN);
      await register(node, 'not-mine');
      const code = await codeOf('mine');
      await assert.rejects(see(user, 'mine'), { type: 'not_found' });
      const claimed = await claim(user, code);
      assert.partialDeepStrictEqual(claimed, { deviceId: 'mine', claimedBy: user.id });
      assert.partialDeepStrictEqual(await see(user, 'mine'), { id: 'mine', claimedBy: user.id });
      await assert.rejects(see(user, 'not-mine'), { type: 'not_found' });
      const entry = (await auditOf(node, 'device.claimed')).at(-1);
      assert.partialDeepStrictEqual(entry, { actor: `user ${user.id}`, target: 'device mine' });
    });

    test('a code works once, for one of twenty who type it at the same time', async () => {
      const code = await codeOf('wanted');
      const users = await Promise.all(Array.from({ length: 20 }, () => addUser(node, OWN)));
      const answers = await Promise.allSettled(users.map(it => claim(it, code)));
      assert.equal(answers.filter(it => it.status === 'fulfilled').length, 1);
      assert.ok(answers.every(it => it.status === 'fulfilled' || it.reason.type === 'not_found'));
    });

    test('a code is taken as people type it', async () => {
      const code = await codeOf('typed');
      const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
      assert.equal((await claim(await addUser(node), typed)).deviceId, 'typed');
    });

    test('a wrong, used, replaced or expired code is answered in the same way', async () => {
      const used = await codeOf('used');
      await claim(await addUser(node), used);
      const replaced = await codeOf('replaced');
      await newCode('replaced');
      const expired = await codeOf('expired', { ttlSeconds: 60 });
      await node.database.query(`UPDATE device SET claim_expires_at = now() WHERE device_id = 'expired'`);
      const ended = await codeOf('ended');
      await ask(node, 'DELETE /api/v1/devices/ended');
      const user = await addUser(node);
      const said = new Set<string>();
      for (const code of [used, replaced, expired, ended, newClaimText(), 'nonsense', ''])
        await claim(user, code).then(
          () => assert.fail(code),
          error => said.add(`${error.type} ${error.message}`),
        );
      assert.deepEqual([...said], ['not_found The claim code is not valid']);
    });

    test('the code of another organization is none', async () => {
      const slug = `claiming-${engine}`;
      await addTenant(node, slug);
      const code = await codeOf('ours');
      await assert.rejects(claim(await addUser(node, OWN, slug), code), { type: 'not_found' });
      assert.equal((await claim(await addUser(node, OWN), code)).deviceId, 'ours');
    });

    test('only people with an account here claim', async () => {
      const code = await codeOf('for-people');
      const { status, body } = await ask(node, 'POST /api/v1/devices/claim', { body: { claimCode: code } });
      assert.deepEqual([status, body.type], [403, 'forbidden']);
      assert.match(body.detail, /Only a user can claim/);
      const user = await addUser(node);
      for (const id of ['sub|from-elsewhere', randomUUID()])
        await assert.rejects(claim({ ...user, id }, code), { type: 'forbidden', message: /account here/ });
    });

    test('a claimed device gets no code; when it is released it can be claimed again', async () => {
      const [first, second, operator] = [await addUser(node, OWN), await addUser(node, OWN), await addUser(node)];
      await claim(first, await codeOf('passed-on'));
      assert.equal((await newCode('passed-on')).body.type, 'conflict');
      await assert.rejects(release(second, 'passed-on'), { type: 'not_found' });
      assert.deepEqual(await release(first, 'passed-on'), { deviceId: 'passed-on', claimedBy: null, claimedAt: null });
      await assert.rejects(see(first, 'passed-on'), { type: 'not_found' });
      await claim(second, (await newCode('passed-on')).body.claimCode);
      assert.equal((await release(operator, 'passed-on')).claimedBy, null);
      assert.equal((await release(operator, 'passed-on')).claimedBy, null);
      const released = (await auditOf(node, 'device.released')).filter(it => it.target === 'device passed-on');
      assert.deepEqual(
        released.map(it => it.data.claimedBy),
        [first.id, second.id],
      );
    });

    test("who may claim everywhere releases nobody else's device", async () => {
      const [owner, other] = [await addUser(node, OWN), await addUser(node, [{ permissions: CLAIMING, limit: null }])];
      await claim(owner, await codeOf('guarded'));
      await assert.rejects(release(other, 'guarded'), { type: 'forbidden' });
      assert.equal((await see(owner, 'guarded')).claimedBy, owner.id);
    });

    test('a batch may give each device a code with its key', async () => {
      const { body } = await provisionDevice(node, await makeBatch(node, { claimCodes: true }), 'shows-code');
      assert.match(body.claimCode, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
      assert.equal((await claim(await addUser(node), body.claimCode)).deviceId, 'shows-code');
      const without = await provisionDevice(node, await makeBatch(node), 'shows-none');
      assert.equal('claimCode' in without.body, false);
    });

    test('codes are stored as hashes, and told to who may issue credentials only', async () => {
      const code = await codeOf('hashed');
      const [row] = await node.database.query(`SELECT d::text AS row FROM device d WHERE device_id = 'hashed'`);
      for (const shown of [code, code.replaceAll('-', '')]) assert.equal(String(row!.row).includes(shown), false);
      const key = await register(node, 'nosy');
      assert.equal((await newCode('nosy', undefined, key)).status, 403);
      assert.equal((await newCode('nowhere')).status, 404);
      assert.equal((await newCode('hashed', { ttlSeconds: 1 })).status, 400);
      assert.equal((await newCode('hashed', { id: 'nosy' })).status, 400);
    });
  });

test('who tries too many codes has to wait: the same user from anywhere, and anybody from the same address', async t => {
  const node = await startProvisioningNode({ env: { SKEIN_LIMIT_CLAIM_ATTEMPTS_PER_MINUTE: '3' } });
  t.after(() => node.stop());
  const tries = (principal: MemberPrincipal, address: string) =>
    call(node.broker, provisioning.claim, { claimCode: newClaimText() }, { meta: { principal, address } }).then(
      () => assert.fail(),
      error => error.type as string,
    );
  const [ada, bob] = [await addUser(node), await addUser(node)];
  for (let i = 0; i < 3; i++) assert.equal(await tries(ada, `10.0.0.${i}`), 'not_found');
  assert.equal(await tries(ada, '10.0.0.9'), 'rate_limited');
  for (let i = 0; i < 2; i++) assert.equal(await tries(bob, '10.0.0.0'), 'not_found');
  assert.equal(await tries(await addUser(node), '10.0.0.0'), 'rate_limited');
});

test('a code has 80 bits, and each of its characters all values', () => {
  const seen = Array.from({ length: 16 }, () => new Set<string>());
  for (let value = 0; value < 256; value++)
    [...newClaimText(bytes => new Uint8Array(bytes).fill(value)).replaceAll('-', '')].forEach((it, i) => {
      seen[i]!.add(it);
    });
  assert.ok(seen.every(it => it.size === 32));
  assert.equal(claimHash('ABCD-EFGH-JKMN-PQR'), undefined);
  assert.equal(claimHash('ABCD-EFGH-JKMN-PQRU'), undefined);
  assert.deepEqual(claimHash('abcd efgh jkmn pqro'), claimHash('ABCD-EFGH-JKMN-PQR0'));
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LIFECYCLE_STATES, type LifecycleState } from '../../contracts/devices.contract.ts';
import { deviceWith, lifecycleTo, problem } from './lifecycle-device.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

/** Where a device may go from each state, written down once more: by hand, from what is promised. */
const PROMISED: Record<string, readonly LifecycleState[]> = {
  registered: ['provisioned', 'active', 'suspended', 'decommissioned'],
  provisioned: ['active', 'suspended', 'decommissioned'],
  active: ['suspended', 'decommissioned'],
  'suspended from registered': ['registered', 'active', 'decommissioned'],
  'suspended from provisioned': ['provisioned', 'active', 'decommissioned'],
  'suspended from active': ['active', 'decommissioned'],
  decommissioned: [],
};

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    let otherKey: string;
    before(async () => {
      node = await startRestNode({ engine });
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    const to = (id: string, state: string, more: object = {}) => lifecycleTo(node, id, state, more);
    const history = async (id: string, query = '') =>
      (await ask(node, `GET /api/v1/devices/${id}/lifecycle${query}`)).body;

    for (const [from, allowed] of Object.entries(PROMISED))
      for (const wanted of LIFECYCLE_STATES) {
        const state = from.split(' ')[0]!;
        const says = wanted === state ? 'stays what it is' : allowed.includes(wanted) ? 'is' : 'never is';
        test(`a device that is ${from} ${says} ${wanted}`, async () => {
          const id = await deviceWith(node, from);
          const before = (await ask(node, `GET /api/v1/devices/${id}`)).body;
          const stepsBefore = (await history(id)).items.length;
          const answer = await to(id, wanted, { reason: 'because' });
          const steps = (await history(id)).items;
          if (wanted === state) {
            assert.deepEqual([answer.status, answer.body], [200, before]);
            assert.equal(steps.length, stepsBefore);
          } else if (allowed.includes(wanted)) {
            assert.deepEqual(
              [answer.status, answer.body.state, answer.body.stateReason, answer.body.version],
              [200, wanted, 'because', before.version + 1],
            );
            assert.equal(answer.headers.get('etag'), `"${before.version + 1}"`);
            assert.partialDeepStrictEqual(steps[0], { from: state, to: wanted, reason: 'because' });
            assert.match(steps[0].changedBy, /^application \w+$/);
          } else {
            assert.deepEqual(problem(answer), [409, 'lifecycle_conflict']);
            for (const it of allowed) assert.match(answer.body.detail, new RegExp(`\\b${it}\\b`));
            assert.deepEqual((await ask(node, `GET /api/v1/devices/${id}`)).body, before);
            assert.equal(steps.length, stepsBefore);
          }
        });
      }

    test('a device is active from the first reading that is stored of it, and not before', async () => {
      const key = await register(node, 'fresh');
      const send = (item: object) => ask(node, 'POST /api/v1/telemetry', { key, body: item });
      await send({ timestamp: 'nonsense', values: { t: 1 } });
      assert.equal((await ask(node, 'GET /api/v1/devices/fresh')).body.state, 'registered');
      await Promise.all([1, 2, 3].map(t => send({ values: { t } })));
      const device = (await ask(node, 'GET /api/v1/devices/fresh')).body;
      assert.deepEqual([device.state, device.version], ['active', 2]);
      const { items } = await history('fresh');
      assert.deepEqual(
        items.map((it: { from: string; to: string; changedBy: string }) => [
          it.from,
          it.to,
          it.changedBy.split(' ')[0],
        ]),
        [
          ['registered', 'active', 'device'],
          [null, 'registered', 'application'],
        ],
      );
    });

    test('what comes for a suspended device after the answer is not stored, and is again after its resumption', async () => {
      const key = await register(node, 'halted');
      // As its gateway or another program sends it: the key of the device itself is refused earlier.
      const send = async (t: number) =>
        (await ask(node, 'POST /api/v1/telemetry', { body: { deviceId: 'halted', values: { t } } })).body;
      assert.deepEqual(await send(1), { accepted: 1, rejected: [] });
      for (const round of [1, 2, 3]) {
        assert.equal((await to('halted', 'suspended')).status, 200);
        assert.deepEqual(
          await send(2),
          { accepted: 0, rejected: [{ index: 0, reason: 'device_inactive' }] },
          `${round}`,
        );
        assert.deepEqual(problem(await ask(node, 'GET /api/v1/devices/halted', { key })), [401, 'unauthorized']);
        assert.equal((await to('halted', 'active')).status, 200);
        assert.deepEqual(await send(3), { accepted: 1, rejected: [] });
        assert.equal((await ask(node, 'GET /api/v1/devices/halted', { key })).status, 200);
      }
    });

    test('suspension and the end are revocations for every node, in the transaction that does them, and once', async () => {
      const id = await deviceWith(node, 'active');
      const revocations = () =>
        node.database.query(`SELECT kind, tenant, subject, device FROM revocation WHERE subject = $1`, [id]);
      await to(id, 'suspended');
      await to(id, 'suspended');
      const row = { kind: 'device', tenant: 'default', subject: id, device: null };
      assert.deepEqual(await revocations(), [row]);
      await to(id, 'active');
      assert.equal((await revocations()).length, 1);
      await ask(node, `DELETE /api/v1/devices/${id}`);
      await ask(node, `DELETE /api/v1/devices/${id}`);
      assert.deepEqual(await revocations(), [row, row]);
    });

    test('a node that was not told of a suspension finds out by itself', async () => {
      await register(node, 'untold');
      const send = async () =>
        (await ask(node, 'POST /api/v1/telemetry', { body: { deviceId: 'untold', values: { t: 1 } } })).body.accepted;
      assert.equal(await send(), 1);
      // As another node does it whose message is lost.
      await node.database.query(`UPDATE device SET state = 'suspended' WHERE device_id = 'untold'`);
      assert.equal(await send(), 1);
      await node.database.query(
        `INSERT INTO revocation (kind, tenant, subject) VALUES ('device', 'default', 'untold')`,
      );
      while ((await send()) === 1);
    });

    test('resumption gives back what was not revoked meanwhile, and the end takes all', async () => {
      const id = await deviceWith(node, 'active');
      const live = () =>
        node.database.query<{ keys: number; tokens: number }>(
          `SELECT (SELECT count(*) FROM device_key WHERE device_uid = d.device_uid AND revoked_at IS NULL) AS keys,
             (SELECT count(*) FROM device_token WHERE device_uid = d.device_uid AND revoked_at IS NULL) AS tokens
           FROM device d WHERE device_id = $1`,
          [id],
        );
      await to(id, 'suspended');
      assert.deepEqual(await live(), [{ keys: 1, tokens: 1 }]);
      await to(id, 'decommissioned');
      assert.deepEqual(await live(), [{ keys: 0, tokens: 0 }]);
    });

    test('who did it is in the audit log, and the reason, which may name a person, is not', async () => {
      const id = await deviceWith(node, 'registered');
      await to(id, 'suspended', { reason: 'Mr Smith asked' });
      await to(id, 'registered');
      await ask(node, `DELETE /api/v1/devices/${id}`);
      const entries = await node.database.query<{ act: string; actor: string; data: object }>(
        'SELECT act, actor, data FROM audit_entry WHERE target = $1 ORDER BY seq',
        [`device ${id}`],
      );
      assert.deepEqual(
        entries.map(it => it.act),
        ['device.registered', 'device.suspended', 'device.resumed', 'device.decommissioned'],
      );
      assert.ok(entries.every(it => /^application \w+$/.test(it.actor) && !JSON.stringify(it).includes('Smith')));
    });

    test('the history goes page by page, the newest step first, and each has its time', async () => {
      const id = await deviceWith(node, 'registered');
      for (const state of ['suspended', 'registered', 'suspended', 'active']) await to(id, state);
      const states: string[] = [];
      for (let cursor = ''; ; ) {
        const { items, nextCursor } = await history(id, `?limit=2${cursor && `&cursor=${cursor}`}`);
        states.push(...items.map((it: { to: string; at: string }) => (Date.parse(it.at) > 0 ? it.to : 'no time')));
        if (nextCursor === null) break;
        cursor = nextCursor;
      }
      assert.deepEqual(states, ['active', 'suspended', 'registered', 'suspended', 'registered']);
    });

    test('a step for another version is refused, and one for the right version is made', async () => {
      const id = await deviceWith(node, 'registered');
      const withVersion = (version: number) =>
        ask(node, `POST /api/v1/devices/${id}/lifecycle`, {
          body: { state: 'suspended' },
          headers: { 'if-match': `"${version}"` },
        });
      assert.deepEqual(problem(await withVersion(7)), [412, 'stale_version']);
      assert.equal((await withVersion(1)).body.state, 'suspended');
    });

    test('of many at once that suspend and resume, the steps follow each other', async () => {
      const id = await deviceWith(node, 'registered');
      await Promise.all(['suspended', 'active', 'suspended', 'active', 'suspended'].map(state => to(id, state)));
      const { items } = await history(id);
      for (const [i, step] of items.slice(0, -1).entries()) assert.equal(step.from, items[i + 1].to);
    });

    for (const [what, body] of [
      ['no state', {}],
      ['a state that there is not', { state: 'broken' }],
      ['a reason that is too long', { state: 'suspended', reason: 'x'.repeat(501) }],
      ['another field', { state: 'suspended', force: true }],
      ['an id', { id: 'other', state: 'suspended' }],
      ['a version', { state: 'suspended', version: 1 }],
      ['a reason with NUL', { state: 'suspended', reason: 'a\0b' }],
    ] as const)
      test(`a step with ${what} is refused`, async () => {
        const id = await deviceWith(node, 'registered');
        assert.deepEqual(problem(await ask(node, `POST /api/v1/devices/${id}/lifecycle`, { body })), [
          400,
          'invalid_request',
        ]);
        assert.equal((await ask(node, `GET /api/v1/devices/${id}`)).body.state, 'registered');
      });

    test('for another tenant, and for a device itself, there is nothing to be moved or seen', async () => {
      const key = await register(node, 'private');
      for (const [method, body] of [
        ['POST', { state: 'suspended' }],
        ['GET', undefined],
      ] as const) {
        const line = `${method} /api/v1/devices/private/lifecycle`;
        const nobody = await ask(node, `${method} /api/v1/devices/nobody/lifecycle`, { key: otherKey, body });
        const theirs = await ask(node, line, { key: otherKey, body });
        assert.deepEqual(problem(theirs), [404, 'not_found']);
        assert.equal(theirs.body.detail.replace('private', 'nobody'), nobody.body.detail);
        assert.deepEqual(problem(await ask(node, line, { key, body })), [403, 'forbidden']);
      }
      assert.equal((await ask(node, 'GET /api/v1/devices/private')).body.state, 'registered');
    });
  });

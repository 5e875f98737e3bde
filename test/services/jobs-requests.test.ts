import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { counts, type FleetNode, jobsOf, registerMany, SMALL_JOBS, startFleetNode } from './fleet-node.ts';
import { type Answer, addTenant, ask, ENGINES, register } from './rest-node.ts';

const problem = ({ status, body }: Answer) => [status, body.type];

for (const engine of ENGINES)
  describe(`requests for jobs on ${engine}`, () => {
    let node: FleetNode;
    let jobs: ReturnType<typeof jobsOf>;
    let otherKey: string;
    before(async () => {
      node = await startFleetNode({ engine, env: SMALL_JOBS });
      jobs = jobsOf(node);
      otherKey = await addTenant(node, 'other');
    });
    after(() => node.stop());

    test('each target means the devices that it has when the job is made, and no decommissioned ones', async () => {
      await registerMany(node, ['t1', 't2', 't3'], { type: 'target', tags: ['red', 'big'] });
      await ask(node, 'PUT /api/v1/groups/targets', { body: {} });
      await ask(node, 'POST /api/v1/groups/targets/devices', { body: { deviceIds: ['t1', 't2', 't3'] } });
      await ask(node, 'DELETE /api/v1/devices/t3');
      for (const target of [
        { group: 'targets' },
        { type: 'target' },
        { tag: 'red' },
        { deviceIds: ['t2', 't1', 't2', 't3'] },
      ]) {
        const made = await jobs.desire(target, { on: true });
        const { id } = made.body;
        assert.deepEqual([made.status, made.headers.get('location')], [202, `/api/v1/jobs/${id}`]);
        const job = await jobs.ended(made);
        assert.deepEqual(counts(job), ['completed', 2, 0, 2, 0]);
        assert.deepEqual(job.target, 'deviceIds' in target ? { deviceIds: 3 } : target);
        assert.deepEqual((await jobs.itemsOf(id)).map(it => it.deviceId).sort(), ['t1', 't2']);
      }
      const before = await jobs.desire({ type: 'target' }, { on: false });
      await register(node, 't4', { type: 'target' });
      await jobs.ended(before);
      assert.deepEqual((await jobs.itemsOf(before.body.id)).map(it => it.deviceId).sort(), ['t1', 't2']);
    });

    test('a target without devices is a job that is completed at once', async () => {
      await ask(node, 'PUT /api/v1/groups/empty', { body: {} });
      for (const target of [{ group: 'empty' }, { tag: 'nobody has it' }, { deviceIds: [] }]) {
        const { status, body } = await jobs.reboot(target);
        assert.deepEqual([status, ...counts(body)], [202, 'completed', 0, 0, 0, 0]);
        assert.equal(body.endedAt, body.createdAt);
      }
    });

    for (const [what, target] of [
      ['a group', { group: 'nowhere' }],
      ['a type', { type: 'nowhere' }],
      ['a device', { deviceIds: ['nowhere'] }],
      ['a device that can not be', { deviceIds: ['a/b'] }],
    ] as const)
      test(`${what} that there is not makes no job`, async () => {
        const answer = await jobs.reboot(target);
        assert.deepEqual(problem(answer), [404, 'not_found']);
        assert.match(answer.body.detail, /nowhere|a\/b/);
      });

    const command = { command: 'reboot' };
    const target = { tag: 'x' };
    for (const [what, body] of [
      ['no target', { command }],
      ['two targets', { target: { tag: 'x', group: 'y' }, command }],
      ['an empty target', { target: {}, command }],
      ['an unknown target', { target: { colour: 'red' }, command }],
      ['a target that is a text', { target: 'x', command }],
      ['a group that is a number', { target: { group: 1 }, command }],
      ['ids that are numbers', { target: { deviceIds: [1] }, command }],
      ['a tag that can not be stored', { target: { tag: 'a\0' }, command }],
      ['nothing to do', { target }],
      ['two things to do', { target, command, desired: { patch: {} } }],
      ['a command without a name', { target, command: {} }],
      ['a command with a bad name', { target, command: { command: 'a b' } }],
      ['parameters that are a list', { target, command: { command: 'a', parameters: [] } }],
      ['an unknown mode', { target, command: { command: 'a', mode: 'twice' } }],
      ['an unknown priority', { target, command: { command: 'a', priority: 'now' } }],
      ['a time to live of 0', { target, command: { command: 'a', ttlMs: 0 } }],
      ['an empty key', { target, command: { command: 'a', supersedes: '' } }],
      ['an unknown field', { target, command: { command: 'a', colour: 'red' } }],
      ['a patch that is a list', { target, desired: { patch: [] } }],
      ['something beside the patch', { target, desired: { patch: {}, version: 1 } }],
      ['a patch that can not be stored', { target, desired: { patch: { 'a\0': 1 } } }],
    ] as [string, unknown][])
      test(`${what} is refused`, async () => {
        assert.deepEqual(problem(await jobs.create(body)), [400, 'invalid_request']);
      });

    test('more devices than a job may have are refused, and nothing is stored of it', async () => {
      const ids = Array.from({ length: 21 }, (_, i) => `crowd-${i}`);
      await registerMany(node, ids, { type: 'crowd' });
      const rows = () => node.database.query('SELECT job_id FROM job');
      const before = (await rows()).length;
      assert.deepEqual(problem(await jobs.reboot({ type: 'crowd' })), [413, 'too_large']);
      assert.deepEqual(problem(await jobs.reboot({ deviceIds: ids })), [413, 'too_large']);
      assert.equal((await rows()).length, before);
      assert.equal((await jobs.ended(await jobs.reboot({ deviceIds: ids.slice(1) }))).done, 20);
    });

    test('the same Idempotency-Key makes one job, for the same request', async () => {
      await register(node, 'idem');
      const headers = { 'idempotency-key': 'job-1' };
      const body = { target: { deviceIds: ['idem'] }, command };
      const answers = await Promise.all([
        jobs.create(body, headers),
        jobs.create(body, headers),
        jobs.create(body, headers),
      ]);
      assert.deepEqual(
        answers.map(it => it.status),
        [202, 202, 202],
      );
      assert.equal(new Set(answers.map(it => it.body.id)).size, 1);
      const other = { ...body, command: { command: 'other' } };
      assert.deepEqual(problem(await jobs.create(other, headers)), [409, 'idempotency_key_reused']);
      assert.notEqual((await jobs.ended(await jobs.create(body))).id, answers[0]!.body.id);
    });

    test('a time to live may be said in both ways, but not twice', async () => {
      await register(node, 'ttl');
      const to = { deviceIds: ['ttl'] };
      const made = await jobs.create({ target: to, command: { command: 'a', ttl_ms: 60_000 } });
      assert.equal((made.body.request as { command: { ttlMs: number } }).command.ttlMs, 60_000);
      const twice = { command: 'a', ttl_ms: 1, ttlMs: 1 };
      assert.deepEqual(problem(await jobs.create({ target: to, command: twice })), [400, 'invalid_request']);
    });

    test('all devices that are unknown are named at once', async () => {
      await register(node, 'known');
      const { body } = await jobs.reboot({ deviceIds: ['none-1', 'known', 'a/b', 'a\0', 'none-2'] });
      assert.equal(body.detail, 'There are no devices "none-1", "a/b", "a\0", "none-2"');
    });

    test('both short paths make a job', async () => {
      await register(node, 'short', { tags: ['short'] });
      const first = await ask(node, 'POST /api/v1/commands', { body: { target: { tag: 'short' }, command: 'beep' } });
      assert.deepEqual((await jobs.ended(first)).request, { command: { command: 'beep', parameters: {} } });
      const body = { target: { tag: 'short' }, patch: { a: 1 } };
      const second = await ask(node, 'PATCH /api/v1/twins/desired', { body });
      assert.deepEqual((await jobs.ended(second)).request, { desired: { patch: { a: 1 } } });
      assert.deepEqual(problem(await ask(node, 'POST /api/v1/commands', { body: { command: 'beep' } })), [
        400,
        'invalid_request',
      ]);
    });

    test('jobs are listed, the newest first, by state and page by page, and so are items', async () => {
      await registerMany(node, ['l1', 'l2', 'l3'], { tags: ['listed'] });
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) ids.push((await jobs.ended(await jobs.reboot({ tag: 'listed' }))).id);
      const { body } = await ask(node, 'GET /api/v1/jobs?limit=2&state=completed');
      const shown = (it: Answer['body']) => it.items.map((job: { id: string }) => job.id);
      assert.deepEqual(shown(body), [ids[2], ids[1]]);
      const rest = await ask(node, `GET /api/v1/jobs?limit=2&state=completed&cursor=${body.nextCursor}`);
      assert.equal(shown(rest.body)[0], ids[0]);
      assert.equal('request' in body.items[0], false);
      const first = await ask(node, `GET /api/v1/jobs/${ids[0]}/items?limit=2`);
      const second = await ask(node, `GET /api/v1/jobs/${ids[0]}/items?limit=2&cursor=${first.body.nextCursor}`);
      assert.deepEqual([first.body.items.length, second.body.items.length, second.body.nextCursor], [2, 1, null]);
      for (const line of ['jobs?state=open', `jobs/${ids[0]}/items?state=open`])
        assert.deepEqual(problem(await ask(node, `GET /api/v1/${line}`)), [400, 'invalid_request']);
      for (const id of ['x', '018f0000-0000-7000-8000-000000000000'])
        assert.deepEqual(problem(await ask(node, `GET /api/v1/jobs/${id}`)), [404, 'not_found']);
    });

    test('another tenant sees, cancels and reaches nothing, and a device makes no jobs', async () => {
      const deviceKey = await register(node, 'same', { type: 'shared', tags: ['shared'] });
      await register(node, 'same', { type: 'shared', tags: ['shared'] }, otherKey);
      await ask(node, 'PUT /api/v1/groups/ours', { body: {} });
      await ask(node, 'POST /api/v1/groups/ours/devices', { body: { deviceIds: ['same'] } });
      const job = await jobs.ended(await jobs.desire({ group: 'ours' }, { ours: true }));
      for (const line of [
        `GET /api/v1/jobs/${job.id}`,
        `GET /api/v1/jobs/${job.id}/items`,
        `POST /api/v1/jobs/${job.id}/cancel`,
      ])
        assert.deepEqual(problem(await ask(node, line, { key: otherKey })), [404, 'not_found'], line);
      assert.deepEqual((await ask(node, 'GET /api/v1/jobs', { key: otherKey })).body.items, []);
      const theirs = (target: object) => jobs.create({ target, desired: { patch: { theirs: true } } }, {}, otherKey);
      assert.deepEqual(problem(await theirs({ group: 'ours' })), [404, 'not_found']);
      for (const target of [{ type: 'shared' }, { tag: 'shared' }, { deviceIds: ['same'] }])
        assert.equal((await theirs(target)).body.total, 1);
      const { body } = await ask(node, 'GET /api/v1/devices/same/twin');
      assert.deepEqual(body.desired, { ours: true });
      assert.deepEqual(problem(await jobs.create({ target: { tag: 'shared' }, command }, {}, deviceKey)), [
        403,
        'forbidden',
      ]);
    });
  });

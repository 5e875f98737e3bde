import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { OVERLOADED, UNKNOWN } from '../../contracts/uplinks.ts';
import {
  counts,
  type FleetNode,
  jobEnded,
  jobsOf,
  jobWhen,
  Overheard,
  registerMany,
  SMALL_JOBS,
  startFleetNode,
} from './fleet-node.ts';
import { ask, ENGINES, register } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`jobs on ${engine}`, () => {
    let node: FleetNode;
    let jobs: ReturnType<typeof jobsOf>;
    const way = new Overheard();
    before(async () => {
      node = await startFleetNode({ engine, env: SMALL_JOBS }, way.between);
      jobs = jobsOf(node);
    });
    beforeEach(() => way.reset());
    after(() => node.stop());

    test('what is desired of many devices is desired of each', async () => {
      const ids = Array.from({ length: 10 }, (_, i) => `desired-${i}`);
      await registerMany(node, ids, { type: 'heater' });
      const job = await jobs.ended(await jobs.desire({ type: 'heater' }, { limits: { max: 30 } }));
      assert.deepEqual(counts(job), ['completed', 10, 0, 10, 0]);
      assert.deepEqual(
        [job.kind, job.request, job.commands],
        ['desired', { desired: { patch: { limits: { max: 30 } } } }, null],
      );
      for (const id of ids) {
        const { body } = await ask(node, `GET /api/v1/devices/${id}/twin`);
        assert.deepEqual([body.desired, body.desiredVersion], [{ limits: { max: 30 } }, 1]);
      }
      assert.equal(way.requests.length, 10);
    });

    test('a command for many devices becomes one for each, as its type says, and the job counts them', async () => {
      const definition = { mode: 'once', priority: 'high', ttlMs: 120_000, parameters: { required: ['percent'] } };
      await ask(node, 'PUT /api/v1/device-types/lamp', { body: { commands: { dim: definition } } });
      await registerMany(node, ['lamp-1', 'lamp-2', 'lamp-3', 'lamp-4'], { type: 'lamp' });
      const command = { command: 'dim', parameters: { percent: 40 }, supersedes: 'light' };
      const made = await jobs.create({ target: { type: 'lamp' }, command });
      const job = await jobs.ended(made);
      assert.deepEqual([...counts(job), job.commands], ['completed', 4, 0, 4, 0, { queued: 4 }]);
      assert.deepEqual(job.request, { command });
      const commands = await jobs.commandsOf(job.id);
      assert.deepEqual(
        commands.map(it => [it.device_id, it.mode, it.priority]),
        ['lamp-1', 'lamp-2', 'lamp-3', 'lamp-4'].map(id => [id, 'once', 1]),
      );
      const items = await jobs.itemsOf(job.id);
      assert.deepEqual(items.map(it => it.commandId).sort(), commands.map(it => it.command_id).sort());
      for (const { command_id } of commands) assert.match(command_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
      const [asked] = way.of('lamp-1');
      assert.ok(asked?.type === 'command');
      assert.equal(asked.order.deadlineMs - Date.parse(job.createdAt), 120_000);
      assert.deepEqual([asked.order.jobId, asked.order.supersedes], [job.id, 'light']);
    });

    test('devices whose type refuses the command are refused, each with its reason, and the others get it', async () => {
      const commands = { dim: { parameters: { properties: { percent: { maximum: 100 } } } } };
      await ask(node, 'PUT /api/v1/device-types/strict', { body: { commands } });
      await ask(node, 'PUT /api/v1/device-types/deaf', { body: { commands: {} } });
      await ask(node, 'PUT /api/v1/device-types/silent', { body: { commands: null } });
      for (const type of ['strict', 'deaf', 'silent', 'unheard'])
        await register(node, `is-${type}`, { type, tags: ['refusing'] });
      await register(node, 'is-none', { tags: ['refusing'] });
      const command = { command: 'dim', parameters: { percent: 101 } };
      const job = await jobs.ended(await jobs.create({ target: { tag: 'refusing' }, command }));
      assert.deepEqual([...counts(job), job.commands], ['completed', 5, 0, 3, 2, { queued: 3 }]);
      const refused = await jobs.itemsOf(job.id, '&state=refused');
      assert.deepEqual(refused.map(it => [it.deviceId, it.reason]).sort(), [
        ['is-deaf', 'command_unknown'],
        ['is-strict', 'command_parameters_invalid'],
      ]);
      assert.match(String(refused.find(it => it.deviceId === 'is-strict')?.detail), /percent must be <= 100/);
      assert.equal((await jobs.itemsOf(job.id, '&state=done')).length, 3);
    });

    test('what an actor refuses is refused with its reason', async () => {
      await registerMany(node, ['r1', 'r2', 'r3'], { tags: ['actor'] });
      const refusals = { r1: 'too_many_open', r2: 'lifecycle_conflict', r3: 'deadline_passed' } as const;
      way.instead = device => ({
        state: 'answered',
        answer: { error: refusals[device as keyof typeof refusals], detail: `No, says ${device}` },
      });
      const job = await jobs.ended(await jobs.reboot({ tag: 'actor' }));
      assert.deepEqual(counts(job), ['completed', 3, 0, 0, 3]);
      const items = await jobs.itemsOf(job.id);
      assert.deepEqual(items.map(it => [it.deviceId, it.reason, it.detail]).sort(), [
        ['r1', 'too_many_commands', 'No, says r1'],
        ['r2', 'lifecycle_conflict', 'No, says r2'],
        ['r3', 'expired', 'No, says r3'],
      ]);
    });

    test('a patch that does not fit into a twin is refused where it does not', async () => {
      await registerMany(node, ['fits', 'full'], { tags: ['twins'] });
      await ask(node, 'PATCH /api/v1/devices/full/twin/desired', { body: { a: 'x'.repeat(32_000) } });
      const job = await jobs.ended(await jobs.desire({ tag: 'twins' }, { b: 'x'.repeat(1_000) }));
      assert.deepEqual(counts(job), ['completed', 2, 0, 1, 1]);
      const [item] = await jobs.itemsOf(job.id, '&state=refused');
      assert.deepEqual([item?.deviceId, item?.reason, item?.commandId], ['full', 'too_large', null]);
    });

    test('what can not be done just now is done later, with the same command', async () => {
      await registerMany(node, ['later-1', 'later-2', 'later-3', 'later-4', 'later-5'], { tags: ['later'] });
      const refused = new Map<string, number>();
      way.instead = device => {
        const times = refused.get(device) ?? 0;
        refused.set(device, times + 1);
        const quarantined = { state: 'rejected', reason: 'quarantined', detail: 'It is in quarantine' } as const;
        return [OVERLOADED, UNKNOWN, quarantined][times];
      };
      const job = await jobs.ended(await jobs.reboot({ tag: 'later' }));
      assert.deepEqual([...counts(job), job.commands], ['completed', 5, 0, 5, 0, { queued: 5 }]);
      for (const device of refused.keys()) {
        const asked = way.of(device);
        assert.equal(asked.length, 4);
        for (const it of asked) assert.deepEqual(it, asked[0]);
      }
    });

    test('a command whose answer was lost is not made twice', async () => {
      await register(node, 'lost', { tags: ['lost'] });
      const lost = new Set<string>();
      way.heard = (device, outcome) => {
        if (lost.has(device)) return outcome;
        lost.add(device);
        return UNKNOWN;
      };
      const job = await jobs.ended(await jobs.reboot({ tag: 'lost' }));
      assert.deepEqual([...counts(job), job.commands], ['completed', 1, 0, 1, 0, { queued: 1 }]);
    });

    test('a command that ended before its item was done again is found, and the item is done', async () => {
      await register(node, 'over', { tags: ['over'] });
      let times = 0;
      way.heard = (_device, outcome) => (times++ === 0 ? UNKNOWN : outcome);
      way.instead = () => (times === 0 ? undefined : { state: 'rejected', reason: 'refused_by_database', detail: 'x' });
      const job = await jobs.ended(await jobs.reboot({ tag: 'over' }));
      assert.deepEqual(counts(job), ['completed', 1, 0, 1, 0]);
    });

    test('a device that can not be asked keeps nobody else from it', async () => {
      const ids = ['ill', 'well-1', 'well-2', 'well-3', 'well-4', 'well-5'];
      for (const id of ids) await register(node, id, { tags: ['ward'] });
      way.instead = device => (device === 'ill' ? OVERLOADED : undefined);
      const { body } = await jobs.reboot({ tag: 'ward' });
      const job = await jobWhen(node, body.id, it => it.done === 5);
      assert.deepEqual(counts(job), ['running', 6, 1, 5, 0]);
      assert.deepEqual(
        (await jobs.itemsOf(body.id, '&state=pending')).map(it => it.deviceId),
        ['ill'],
      );
      way.reset();
      assert.deepEqual(counts(await jobEnded(node, body.id)), ['completed', 6, 0, 6, 0]);
    });

    test('a cancelled job does nothing more, and what waits of its commands is cancelled', async () => {
      const ids = Array.from({ length: 9 }, (_, i) => `stop-${i}`);
      for (const id of ids) await register(node, id, { tags: ['stop'] });
      way.instead = device => (device >= 'stop-5' ? OVERLOADED : undefined);
      const { body } = await jobs.reboot({ tag: 'stop' });
      await jobWhen(node, body.id, it => it.done === 5);
      const answer = await ask(node, `POST /api/v1/jobs/${body.id}/cancel`);
      assert.deepEqual([answer.status, answer.body.state], [200, 'cancelled']);
      way.instead = () => undefined;
      const job = await jobEnded(node, body.id);
      assert.equal(job.state, 'cancelled');
      // One that was on its way when the job was cancelled may be done; it is cancelled like the others.
      assert.equal(job.done + job.pending, 9);
      assert.deepEqual(job.commands, { cancelled: job.done });
      const again = await ask(node, `POST /api/v1/jobs/${body.id}/cancel`);
      assert.deepEqual([again.status, again.body], [200, job]);
    });

    test('a completed job can be cancelled as long as its commands wait', async () => {
      await registerMany(node, ['wait-1', 'wait-2', 'wait-3', 'wait-4'], { tags: ['wait'] });
      const completed = await jobs.ended(await jobs.reboot({ tag: 'wait' }));
      assert.deepEqual(completed.commands, { queued: 4 });
      await ask(node, `POST /api/v1/jobs/${completed.id}/cancel`);
      const job = await jobEnded(node, completed.id);
      assert.deepEqual([...counts(job), job.commands], ['cancelled', 4, 0, 4, 0, { cancelled: 4 }]);
    });

    test('what was desired can not be taken back by cancelling', async () => {
      await register(node, 'kept');
      const job = await jobs.ended(await jobs.desire({ deviceIds: ['kept'] }, { a: 1 }));
      assert.deepEqual((await ask(node, `POST /api/v1/jobs/${job.id}/cancel`)).body, job);
    });
  });

/** Commands, as actors store and load them, on both engines. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ActorStore } from '../../../adapters/database/actor-store.ts';
import { COMMAND_COLUMNS, type CommandRow, commandOf } from '../../../adapters/database/command-rows.ts';
import { COMMAND_STATES, type CommandRecord, isOpen } from '../../../contracts/commands.ts';
import type { Effects } from '../../../contracts/store.ts';
import { ENGINE_NAMES } from './engines.ts';
import { AT_MS, type StoredDevice, StoredDevices, stepTo } from './stored-devices.ts';

for (const engine of ENGINE_NAMES)
  describe(`commands on ${engine}`, () => {
    let world: StoredDevices;
    before(async () => {
      world = await StoredDevices.start(engine);
    });
    after(() => world?.stop());

    const read = async ({ id }: CommandRecord) => {
      const sql = `SELECT ${COMMAND_COLUMNS} FROM command c JOIN device d USING (device_uid) WHERE command_id = $1`;
      const [row] = await world.database.query<CommandRow>(sql, [id]);
      return row && commandOf(row);
    };
    const asRead = (record: CommandRecord, device: StoredDevice) => ({
      ...record,
      deviceId: device.id,
      tenantId: world.tenantId,
    });
    const open = async (device: StoredDevice) => (await world.load(device)).commands;

    it('come back as they were stored, whatever is in them', async () => {
      const device = await world.add();
      const text = 'ä "\\ {NULL} \u{1F600}';
      const record = world.command(device, {
        name: text,
        parametersJson: JSON.stringify({
          text,
          numbers: [0, -1.5, 1e300, 9_007_199_254_740_991],
          deep: { list: [null, { a: [] }] },
          ['__proto__']: 1,
        }),
        mode: 'once',
        priority: 0,
        supersedes: 'NULL',
        idempotencyKey: 'key',
        requestHash: 'hash',
        jobId: randomUUID(),
        resendOf: randomUUID(),
        requestedBy: text,
        deadlineMs: AT_MS + 1,
        transitions: [{ state: 'queued', atMs: AT_MS, attempt: 0, reason: text }],
      });
      const plain = world.command(device);
      assert.deepEqual(await world.order(device, plain, record), [true]);
      assert.deepEqual(await open(device), [record, plain]);
      assert.deepEqual(await read(record), asRead(record, device));
      assert.deepEqual(await read(plain), asRead(plain, device));
    });

    it('tell an answer that is null from none', async () => {
      const device = await world.add();
      for (const answer of [
        {},
        { result: null },
        { error: null, result: 'null' },
        { result: [1, null], error: { a: 0 } },
      ]) {
        const record = world.command(device);
        await world.order(device, record);
        const ended = stepTo(record, { state: 'succeeded', endedAtMs: AT_MS + 5, ...answer });
        await world.change(device, ended);
        assert.deepEqual(await read(record), asRead(ended, device));
      }
    });

    it('are loaded with their device while they are open, the oldest first', async () => {
      const [device, other] = [await world.add(), await world.add()];
      const all = COMMAND_STATES.map(state =>
        world.command(device, { state, endedAtMs: isOpen(state) ? null : AT_MS }),
      );
      await world.order(device, ...all.toReversed());
      assert.deepEqual(await open(device), all.slice(0, 3));
      assert.deepEqual((await world.load(other)).commands, []);
    });

    it('come with how many may be under way at once, where the device says so', async () => {
      const device = await world.add();
      assert.equal((await world.load(device)).commandWindow, null);
      await world.database.query('UPDATE device SET command_window = 3 WHERE device_uid = $1', [device.uid]);
      assert.equal((await world.load(device)).commandWindow, 3);
    });

    it('say of each end whether somebody should look at it', async () => {
      const device = await world.add();
      const all = COMMAND_STATES.map(state =>
        world.command(device, { endedAtMs: isOpen(state) ? null : AT_MS, state }),
      );
      const queued = all.map(record => ({ ...record, state: 'queued', endedAtMs: null }) as const);
      await world.order(device, ...queued);
      await world.change(device, ...all);
      const rows = await world.rows(
        `SELECT state FROM command WHERE device_uid = $1 AND ended_badly ORDER BY 1`,
        device.uid,
      );
      assert.deepEqual(
        rows.map(row => row.state),
        ['expired', 'failed', 'rejected', 'unknown'],
      );
    });

    it('end where the last change in a transaction ends, new ones too', async () => {
      const device = await world.add();
      const [old, fresh, both] = [world.command(device), world.command(device), world.command(device)];
      await world.order(device, old);
      const sent = (record: CommandRecord) => stepTo(record, { state: 'sent', attempt: 1 });
      const done = (record: CommandRecord) =>
        stepTo(sent(record), { state: 'succeeded', endedAtMs: AT_MS + 9, result: 1 });
      const of = (isNew: boolean, record: CommandRecord) => world.effects(device, { commands: [{ isNew, record }] });
      const batch: Effects[] = [
        of(false, sent(old)),
        of(true, fresh),
        world.effects(device, {
          commands: [
            { isNew: true, record: both },
            { isNew: false, record: done(old) },
          ],
        }),
        of(false, sent(fresh)),
        of(false, sent(both)),
        of(false, done(both)),
      ];
      assert.deepEqual(await world.store.commit(0, batch, false), [true, true, true, true, true, true]);
      assert.deepEqual(await read(old), asRead(done(old), device));
      assert.deepEqual(await read(fresh), asRead(sent(fresh), device));
      assert.deepEqual(await read(both), asRead(done(both), device));
      assert.deepEqual(await open(device), [sent(fresh)]);
    });

    it('may be written again as they are', async () => {
      const device = await world.add();
      const record = world.command(device);
      await world.order(device, record);
      const sent = stepTo(record, { state: 'sent', attempt: 1 });
      for (let i = 0; i < 2; i++) assert.deepEqual(await world.change(device, sent), [true]);
      assert.deepEqual(await open(device), [sent]);
    });

    it('fail their transaction when the id of a new one exists, and change nothing', async () => {
      const device = await world.add();
      const record = world.command(device);
      await world.order(device, record);
      const other = world.command(device);
      const again = { ...record, name: 'other' };
      const duplicate = { kind: 'duplicate_key' };
      await assert.rejects(world.order(device, other, again), duplicate);
      const careful = [world.effects(device, { commands: [{ isNew: true, record: again }] })];
      await assert.rejects(world.store.commit(0, careful, true), duplicate, 'however carefully');
      await assert.rejects(world.order(device, other, { ...other, name: 'twice' }), duplicate, 'within a transaction');
      assert.deepEqual(await open(device), [record]);
      await world.order(device, other);
      assert.deepEqual(await open(device), [record, other]);
    });

    it('fail their transaction when the idempotency key of a new one exists in the tenant', async () => {
      const [device, another] = [await world.add(), await world.add()];
      const idempotencyKey = 'once';
      const record = world.command(device, { idempotencyKey });
      await world.order(device, record);
      for (const by of [device, another]) {
        await assert.rejects(world.order(by, world.command(by, { idempotencyKey })), { kind: 'duplicate_key' });
        await world.order(by, world.command(by, { idempotencyKey: `of ${by.id}` }));
        await world.order(by, world.command(by), world.command(by));
      }
      const [tenant] = await world.database.query<{ tenant_id: number }>(
        `INSERT INTO tenant (slug) VALUES ('other') RETURNING tenant_id`,
      );
      const stranger = await world.add('active', tenant!.tenant_id, 'other');
      const commands = [{ isNew: true, record: world.command(stranger, { idempotencyKey }) }];
      const effects = { ...world.effects(stranger, { commands }), tenantId: tenant!.tenant_id };
      assert.deepEqual(await world.store.commit(0, [effects], false), [true], 'another tenant has keys of its own');
    });

    it('are stored once for a key when two lanes write them at the same time, in whatever order each has them', async () => {
      const [one, two] = [await world.add(), await world.add()];
      const keys = Array.from({ length: 500 }, (_, i) => `race ${i}`);
      const ordered = (device: StoredDevice, all: string[]) => [
        world.effects(device, {
          commands: all.map(idempotencyKey => ({ isNew: true, record: world.command(device, { idempotencyKey }) })),
        }),
      ];
      const results = await Promise.allSettled([
        world.store.commit(0, ordered(one, keys), false),
        world.store.commit(1, ordered(two, keys.toReversed()), false),
      ]);
      const failed = results.filter(result => result.status === 'rejected').map(result => result.reason.kind);
      assert.deepEqual(failed, ['duplicate_key']);
      const rows = await world.rows(`SELECT count(*)::int4 AS n FROM command WHERE idempotency_key LIKE 'race %'`);
      assert.deepEqual(rows, [{ n: 500 }]);
    });

    it('are stored with everything else of their transaction, or not at all', async () => {
      const device = await world.add();
      const record = world.command(device);
      const unwritable = world.command(device, { name: 'a\0b' });
      await assert.rejects(world.order(device, record, unwritable), { kind: 'refused' });
      assert.deepEqual(await open(device), []);
    });

    it('are not written by a run that may not write any more', async () => {
      const device = await world.add();
      const late = new ActorStore(world.database, randomUUID(), 2);
      const commands = [{ isNew: true, record: world.command(device) }];
      await assert.rejects(late.commit(0, [world.effects(device, { commands })], false), { kind: 'fenced' });
      await late.close();
      assert.deepEqual(await open(device), []);
    });
  });

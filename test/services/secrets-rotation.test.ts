/** A new data key: everything is sealed anew with it, whoever works and whoever dies meanwhile, and the old one goes. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Database } from '../../adapters/database/database.ts';
import { lockDataKeys } from '../../adapters/secrets/data-key-rows.ts';
import { SEALED_COLUMNS } from '../../adapters/secrets/sealed-columns.ts';
import { countSealed } from '../../adapters/secrets/sealed-rows.ts';
import { type DataKeySealer, openSealer } from '../../adapters/secrets/sealer.ts';
import { LIMITS } from '../../contracts/limits.ts';
import { Resealer } from '../../services/security/resealer.ts';
import { ENGINE_NAMES, type Subject } from '../adapters/database/engines.ts';
import { startWithSchema } from '../adapters/database/runs.ts';

const LINES = 240;
const [LINE, ANSWER] = [SEALED_COLUMNS[3]!, SEALED_COLUMNS[4]!];
const limits = { ...LIMITS, resealBatchSecrets: 50 };

for (const engine of ENGINE_NAMES)
  describe(`A new data key on ${engine}`, () => {
    let subject: Subject;
    let database: Database;
    let tenant: number;
    let importId: string;
    const systemKey = randomBytes(32);
    before(async () => {
      subject = await startWithSchema(engine);
      database = subject.database;
      const [row] = await database.query<{ tenant_id: number }>(
        `INSERT INTO tenant (slug, is_operator) VALUES ('default', true) RETURNING tenant_id`,
      );
      tenant = row!.tenant_id;
    });
    after(() => subject?.stop());
    beforeEach(() => database.script('DELETE FROM device_import; DELETE FROM idempotency_key; DELETE FROM data_key'));

    const node = async () => {
      const sealer = await openSealer(database, systemKey);
      const said: string[] = [];
      const log = { warn: (_: unknown, text: string) => said.push(text), info: () => {} } as never;
      return { sealer, said, resealer: new Resealer({ database, sealer, limits, log }) };
    };
    const secretOf = (line: number) => Buffer.from(`secret ${line}`);
    /** Lines of an import from `from` on, each with a secret, and half as many kept answers. */
    async function store(sealer: DataKeySealer, from: number, to: number): Promise<void> {
      for (let line = from; line < to; line++) {
        const sealed = sealer.seal(secretOf(line), LINE.about(importId, line));
        await database.query('INSERT INTO device_import_line (import_id, line, sealed) VALUES ($1, $2, $3)', [
          importId,
          line,
          sealed,
        ]);
        if (line % 2 === 0) continue;
        const kept = sealer.seal(secretOf(line), ANSWER.about(tenant, `user x/${line}`));
        await database.query(
          `INSERT INTO idempotency_key (tenant_id, key, request_hash, status, response) VALUES ($1, $2, '', 200, $3)`,
          [tenant, `user x/${line}`, { sealed: Buffer.from(kept).toString('base64') }],
        );
      }
    }
    async function fill(sealer: DataKeySealer): Promise<void> {
      importId = randomUUID();
      await database.query(
        `INSERT INTO device_import (import_id, tenant_id, format, state, dry_run, requested_by) VALUES ($1, $2, 'csv', 'completed', false, 'x')`,
        [importId, tenant],
      );
      await store(sealer, 0, LINES);
    }
    async function replace(sealer: DataKeySealer): Promise<number> {
      const { id } = await database.transaction(async tx => {
        await lockDataKeys(tx);
        return sealer.add(tx);
      });
      await database.query('UPDATE data_key SET seals_from = now() WHERE data_key_id = $1', [id]);
      await sealer.refresh();
      assert.equal(sealer.current, id);
      return id;
    }
    /** Everything opens, and is what it was. */
    async function check(sealer: DataKeySealer, lines: number): Promise<void> {
      const stored = await database.query<{ line: number; sealed: Uint8Array }>(
        'SELECT line, sealed FROM device_import_line',
      );
      assert.equal(stored.length, lines);
      for (const { line, sealed } of stored)
        assert.deepEqual(Buffer.from(sealer.open(sealed, LINE.about(importId, line))), secretOf(line));
      const answers = await database.query<{ key: string; response: { sealed: string } }>(
        'SELECT key, response FROM idempotency_key',
      );
      assert.equal(answers.length, lines / 2);
      for (const { key, response } of answers) {
        assert.doesNotMatch(response.sealed, /\s/);
        const secret = sealer.open(Buffer.from(response.sealed, 'base64'), ANSWER.about(tenant, key));
        assert.deepEqual(Buffer.from(secret), secretOf(Number(key.split('/')[1])));
      }
    }
    const keysThatAre = async () =>
      (await database.query<{ data_key_id: number }>('SELECT data_key_id FROM data_key ORDER BY 1')).map(
        it => it.data_key_id,
      );
    /** As when it began to seal two keeps ago. */
    const timePasses = () =>
      database.query(`UPDATE data_key SET seals_from = seals_from - make_interval(secs => $1)`, [
        2 * limits.dataKeyKeepSeconds,
      ]);

    test('everything is sealed anew in small transactions, and a node that dies in the middle leaves nothing broken', async () => {
      const one = await node();
      await fill(one.sealer);
      const old = one.sealer.current;
      const id = await replace(one.sealer);
      for (let turn = 0; turn < 6; turn++) await one.resealer.turn();
      const inTheMiddle = await countSealed(database);
      assert.ok(inTheMiddle.get(old)! > 0 && inTheMiddle.get(id)! > 0, String([...inTheMiddle]));
      await check(one.sealer, LINES);
      // The next one knows nothing of it.
      const two = await node();
      await two.resealer.run();
      assert.deepEqual([...(await countSealed(database))], [[id, LINES * 1.5]]);
      await check(two.sealer, LINES);
      assert.deepEqual(await keysThatAre(), [old, id]);
      await timePasses();
      await two.resealer.run();
      assert.deepEqual(await keysThatAre(), [id]);
      const [entry] = await database.query(
        `SELECT target FROM audit_entry WHERE act = 'data_key.removed' ORDER BY seq DESC LIMIT 1`,
      );
      assert.equal(entry?.target, `data key ${old}`);
      await two.sealer.refresh();
      assert.equal(two.sealer.hasOlder, false);
      await check(two.sealer, LINES);
    });

    test('several nodes at it, while others store more, also with the old key', async () => {
      const nodes = await Promise.all([node(), node(), node()]);
      const late = await node();
      await fill(late.sealer);
      const old = late.sealer.current;
      const id = await replace(nodes[0]!.sealer);
      await Promise.all(nodes.map(it => it.sealer.refresh()));
      await Promise.all([
        ...nodes.map(it => it.resealer.run()),
        store(late.sealer, LINES, LINES + 20),
        store(nodes[1]!.sealer, LINES + 20, LINES + 40),
      ]);
      // What came in late with the old key is found before that one is taken away.
      await store(late.sealer, LINES + 40, LINES + 42);
      await timePasses();
      for (let round = 0; (await keysThatAre()).includes(old); round++) {
        assert.ok(round < 10, 'the old key stays');
        for (const it of nodes) await it.resealer.run();
      }
      assert.deepEqual([...(await countSealed(database)).keys()], [id]);
      await nodes[2]!.sealer.refresh();
      await check(nodes[2]!.sealer, LINES + 42);
    });

    test('what does not open keeps its data key, with a warning, and keeps nothing else', async () => {
      const one = await node();
      await fill(one.sealer);
      const old = one.sealer.current;
      await database.query(
        `UPDATE device_import_line SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 255) WHERE line = 7`,
      );
      const id = await replace(one.sealer);
      await timePasses();
      await one.resealer.run();
      const counts = await countSealed(database);
      assert.deepEqual([counts.get(old), counts.get(id)], [1, LINES * 1.5 - 1]);
      assert.deepEqual(await keysThatAre(), [old, id]);
      assert.equal(one.said.length, 1);
    });

    test('a node that has not read the new data key yet leaves it to others', async () => {
      const [one, two] = [await node(), await node()];
      await fill(one.sealer);
      const old = one.sealer.current;
      await replace(one.sealer);
      await two.resealer.run();
      assert.equal(await two.resealer.turn(), 'done');
      assert.deepEqual([...(await countSealed(database)).keys()], [old]);
    });
  });

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newKey } from '../../adapters/access/keys.ts';
import { type AuditEntry, appendAudit } from '../../mixins/audit.ts';
import { auditService } from '../../services/audit.service.ts';
import { addTenant, ask, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startRestNode({ engine, env: { SKEIN_LIMIT_AUDIT_VERIFY_MAX_ENTRIES: '5' } });
      node.broker.createService(auditService(node));
      await node.broker.waitForServices('audit');
    });
    after(() => node?.stop());

    const numberOf = async (slug: string): Promise<number> =>
      (await node.database.query<{ tenant_id: number }>('SELECT tenant_id FROM tenant WHERE slug = $1', [slug]))[0]!
        .tenant_id;
    const write = async (slug: string, entry: Partial<AuditEntry>) =>
      appendAudit(node.database, {
        ...{ tenantId: await numberOf(slug), actor: 'system', act: 'test.done', target: null, address: null },
        ...{ result: 'done' as const, ...entry },
      });
    /** All of it, in as many requests as it takes. */
    const verify = async (key: string) => {
      let entries = 0;
      for (let next: number | null = 0; ; ) {
        const { status, body } = await ask(node, `GET /api/v1/audit/verify?after=${next}`, { key });
        assert.equal(status, 200);
        entries += body.entries;
        if (!body.whole || body.nextAfter === null) return { ...body, entries };
        next = body.nextAfter;
      }
    };
    /** As somebody who has the whole database in hand. */
    const tamper = (sql: string) =>
      node.database.script(`ALTER TABLE audit_entry DISABLE TRIGGER audit_append_only; ${sql};
        ALTER TABLE audit_entry ENABLE TRIGGER audit_append_only`);
    const untilLogged = async (act: string, key?: string) => {
      for (const untilMs = Date.now() + 20_000; ; ) {
        const { body } = await ask(node, `GET /api/v1/audit?act=${act}&limit=1`, { key });
        if (body.items.length > 0) return body.items[0];
        assert.ok(Date.now() < untilMs, `${act} was not logged`);
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    };

    test('what was done is in the log, with who, on what and from where', async () => {
      await register(node, 'press');
      const entry = await untilLogged('device.registered');
      assert.partialDeepStrictEqual(entry, { target: 'device press', address: '127.0.0.1', result: 'done' });
      assert.match(entry.actor, /^application \w+$/);
      assert.match(entry.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    });

    test('it is read newest first, page by page, and by each of its filters', async () => {
      const key = await addTenant(node, 'reader');
      for (let i = 1; i <= 6; i++)
        await write('reader', {
          actor: `user ${i % 2}`,
          act: `a${i % 3}`,
          target: `device ${i}`,
          address: `192.0.2.${i}`,
          result: i === 4 ? 'refused' : 'done',
        });
      const seqs = async (query: string) =>
        (await ask(node, `GET /api/v1/audit?${query}`, { key })).body.items.map((it: { seq: number }) => it.seq);
      assert.deepEqual(await seqs(''), [6, 5, 4, 3, 2, 1]);
      assert.deepEqual(await seqs('actor=user%200'), [6, 4, 2]);
      assert.deepEqual(await seqs('act=a1'), [4, 1]);
      assert.deepEqual(await seqs('target=device%203'), [3]);
      assert.deepEqual(await seqs('address=192.0.2.5'), [5]);
      assert.deepEqual(await seqs('result=refused'), [4]);
      assert.deepEqual(await seqs('from=2100-01-01'), []);
      assert.deepEqual(await seqs('to=2100-01-01&limit=2'), [6, 5]);
      const first = (await ask(node, 'GET /api/v1/audit?limit=4', { key })).body;
      assert.deepEqual(await seqs(`limit=4&cursor=${first.nextCursor}`), [2, 1]);
      const other = await ask(node, `GET /api/v1/audit?act=a1&cursor=${first.nextCursor}`, { key });
      assert.equal(other.body.type, 'invalid_request');
      assert.equal((await ask(node, 'GET /api/v1/audit?result=maybe', { key })).status, 400);
    });

    test('a log that nobody touched is whole, however many wrote at once', async () => {
      const key = await addTenant(node, 'busy');
      await Promise.all(Array.from({ length: 23 }, (_, i) => write('busy', { data: { i, text: 'ä"\\ \u2028' } })));
      assert.partialDeepStrictEqual(await verify(key), { whole: true, brokenAt: null, entries: 23, last: 23 });
    });

    for (const [what, sql, brokenAt] of [
      ['changed', "UPDATE audit_entry SET act = 'nothing' WHERE seq = 7", 7],
      ['changed in its time', "UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE seq = 3", 3],
      ['taken out', 'DELETE FROM audit_entry WHERE seq = 4', 5],
      ['taken out at the beginning', 'DELETE FROM audit_entry WHERE seq = 1', 2],
      ['cut off at the end', 'DELETE FROM audit_entry WHERE seq > 9', 10],
    ] as const)
      test(`an entry that was ${what} shows`, async () => {
        const slug = `tampered-${what.replaceAll(' ', '-')}`;
        const key = await addTenant(node, slug);
        for (let i = 0; i < 12; i++) await write(slug, { data: { i } });
        assert.equal((await verify(key)).whole, true);
        await tamper(sql.replace('WHERE', `WHERE tenant_id = ${await numberOf(slug)} AND`));
        assert.partialDeepStrictEqual(await verify(key), { whole: false, brokenAt });
      });

    test('nothing in it can be changed or removed the usual way', async () => {
      for (const sql of ["UPDATE audit_entry SET act = ''", 'DELETE FROM audit_entry', 'TRUNCATE audit_entry'])
        await assert.rejects(node.database.query(sql), /appended|refused|failed|database/i);
    });

    test('one tenant sees nothing of the log of another, and roles without the permission nothing at all', async () => {
      const [mine, other] = [await addTenant(node, 'mine'), await addTenant(node, 'theirs')];
      await write('mine', { act: 'secret.act' });
      assert.deepEqual((await ask(node, 'GET /api/v1/audit?act=secret.act', { key: other })).body.items, []);
      assert.equal((await ask(node, 'GET /api/v1/audit?act=secret.act', { key: mine })).body.items.length, 1);
      const viewer = newKey('application');
      await node.database.query(
        `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash) VALUES ($1, $2, '{viewer}', 'v', $3)`,
        [viewer.id, await numberOf('mine'), viewer.hash],
      );
      assert.equal((await ask(node, 'GET /api/v1/audit', { key: viewer.text })).status, 403);
      const entry = await untilLogged('access.refused', mine);
      assert.partialDeepStrictEqual(entry, {
        actor: `application ${viewer.id}`,
        target: 'audit.list',
        address: '127.0.0.1',
        result: 'refused',
      });
    });

    test('wrong credentials come into the log of the operator, the same ones as one entry that counts them', async () => {
      await Promise.all(
        Array.from({ length: 30 }, () => ask(node, 'GET /api/v1/devices', { key: newKey('device').text })),
      );
      const entry = await untilLogged('credential.refused');
      assert.partialDeepStrictEqual(entry, { actor: 'anonymous', address: '127.0.0.1', result: 'refused' });
      let counted = 0;
      for (const untilMs = Date.now() + 20_000; counted < 30; ) {
        const { body } = await ask(node, 'GET /api/v1/audit?act=credential.refused');
        counted = body.items.reduce((sum: number, it: { data: { times?: number } }) => sum + (it.data.times ?? 1), 0);
        assert.ok(Date.now() < untilMs, `${counted}`);
      }
    });
  });

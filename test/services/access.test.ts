import assert from 'node:assert/strict';
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { VerifiedKeys } from '../../adapters/access/verified-keys.ts';
import { access } from '../../contracts/access.contract.ts';
import { announce, call } from '../../contracts/contract.ts';
import { accessService } from '../../services/access.service.ts';
import { addTenant, ENGINES, type RestNode, register, startRestNode } from './rest-node.ts';

for (const engine of ENGINES)
  describe(`on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startRestNode({ engine });
    });
    after(() => node.stop());

    const verify = (key: string, username?: string) =>
      call(node.broker, access.verify, username === undefined ? { key } : { key, username });
    const refused = { type: 'unauthorized' };
    const tokenFile = () => join(node.config.dataDir, 'admin.token');
    /** Starts the access service once more, as another start of the process would. */
    const startAgain = async () => {
      await node.broker.destroyService(node.broker.getLocalService('access')!);
      node.broker.createService(accessService(node, new VerifiedKeys(100, 30)));
      await node.broker.waitForServices('access');
    };

    test('the first start leaves the key of an administrator in a file that only the owner reads', async () => {
      assert.equal((await stat(tokenFile())).mode & 0o777, 0o600);
      const principal = await verify(node.adminKey);
      assert.partialDeepStrictEqual(principal, { kind: 'application', tenant: 'default', name: 'administrator' });
    });

    test('a later start keeps a key that works, and takes the file back from other readers', async () => {
      await chmod(tokenFile(), 0o644);
      await startAgain();
      assert.equal((await readFile(tokenFile(), 'utf8')).trim(), node.adminKey);
      assert.equal((await stat(tokenFile())).mode & 0o777, 0o600);
    });

    for (const [what, spoil] of [
      ['is missing', () => rm(tokenFile())],
      ['is not a key', () => writeFile(tokenFile(), 'nonsense')],
      [
        'has a secret that is wrong',
        () =>
          writeFile(
            tokenFile(),
            node.adminKey.replace(/.$/, c => (c === 'a' ? 'b' : 'a')),
          ),
      ],
      [
        'has a revoked key',
        async () => {
          const id = (await readFile(tokenFile(), 'utf8')).split('_')[1];
          await node.database.query('UPDATE api_key SET revoked_at = now() WHERE key_id = $1', [id]);
        },
      ],
    ] as const)
      test(`a later start makes a new key when the file ${what}, and says so without the key`, async () => {
        await spoil();
        const linesBefore = node.logged.length;
        await startAgain();
        const key = (await readFile(tokenFile(), 'utf8')).trim();
        assert.equal((await verify(key)).kind, 'application');
        const lines = node.logged.slice(linesBefore).join('');
        assert.match(lines, /admin\.token/);
        assert.equal(lines.includes(key.split('_')[2]!), false);
      });

    test('a device is known by its key, with its name or without', async () => {
      const key = await register(node, 'known');
      for (const username of [undefined, 'known', 'default/known']) {
        const principal = await verify(key, username);
        assert.partialDeepStrictEqual(principal, { kind: 'device', tenant: 'default', device: 'known' });
      }
    });

    test('a key does not open another device, tenant or name, whether it was used before or not', async () => {
      const key = await register(node, 'own');
      for (const username of ['other', 'other/own', 'default/other', '', 'default/', '/own', 'own/'])
        await assert.rejects(verify(key, username), refused);
      await verify(key, 'own');
      await assert.rejects(verify(key, 'other'), refused);
    });

    test('an application takes any name', async () => {
      assert.equal((await verify(node.adminKey, 'whatever')).kind, 'application');
    });

    test('what is wrong with a key is not told', async () => {
      const key = await register(node, 'secretive');
      const [prefix, id, secret] = key.split('_') as [string, string, string];
      const wrong = secret.replace(/.$/, c => (c === 'a' ? 'b' : 'a'));
      const messages = await Promise.all(
        [
          `${prefix}_${id}_${wrong}`,
          `${prefix}_${'0'.repeat(17)}_${secret}`,
          `ska_${id}_${secret}`,
          'nonsense',
          '',
        ].map(text =>
          verify(text).then(
            () => assert.fail(`${text} was taken`),
            error => `${error.type} ${error.message}`,
          ),
        ),
      );
      assert.equal(new Set(messages).size, 1);
    });

    for (const state of ['suspended', 'decommissioned'])
      test(`the key of a ${state} device is refused at once when it is told, even when it was used just before`, async () => {
        const device = `was-${state}`;
        const key = await register(node, device);
        await verify(key);
        await node.database.query('UPDATE device SET state = $1 WHERE device_id = $2', [state, device]);
        // The control: without being told, the remembered key still works.
        assert.equal((await verify(key)).kind, 'device');
        announce(node.broker, access.revoked, { kind: 'device', tenant: 'default', subject: device });
        await assert.rejects(verify(key), refused);
      });

    test('many checks of the same key at once share a query', async () => {
      const key = await register(node, 'popular');
      let queries = 0;
      const { database } = node;
      const query = database.query.bind(database);
      database.query = ((sql: string, params?: unknown[]) => {
        if (sql.includes('secret_hash')) queries++;
        return query(sql, params);
      }) as typeof database.query;
      try {
        await Promise.all(Array.from({ length: 100 }, () => verify(key)));
        assert.equal(queries, 1);
        await verify(key);
        assert.equal(queries, 1);
        await assert.rejects(verify('skd_000000000000_0000000000000000000000000000000000000000000'), refused);
        await assert.rejects(verify('skd_000000000000_0000000000000000000000000000000000000000000'), refused);
        assert.equal(queries, 3);
      } finally {
        database.query = query;
      }
    });

    test('the key of another tenant belongs to that tenant', async () => {
      const principal = await verify(await addTenant(node, 'elsewhere'));
      assert.equal(principal.tenant, 'elsewhere');
    });
  });

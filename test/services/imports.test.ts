import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { access } from '../../contracts/access.contract.ts';
import { call } from '../../contracts/contract.ts';
import { csvCell } from '../../services/gateway/import-answers.ts';
import {
  addUser,
  auditOf,
  importEnded,
  keyFileOf,
  linesOf,
  makeGroup,
  sendFile,
  startProvisioningNode,
} from './provisioning-node.ts';
import { addTenant, ask, ENGINES, type RestNode, register } from './rest-node.ts';

const NDJSON = { type: 'application/x-ndjson' };
const ENV = { SKEIN_LIMIT_IMPORT_LINE_MAX_BYTES: '2000', SKEIN_LIMIT_IMPORTS_UNDER_WAY: '100' };

for (const engine of ENGINES)
  describe(`imports on ${engine}`, () => {
    let node: RestNode;
    before(async () => {
      node = await startProvisioningNode({ engine, env: ENV });
    });
    after(() => node.stop());

    const send = async (file: string | Buffer, options = {}) => importEnded(node, await sendFile(node, file, options));
    const refused = async (id: string) =>
      (await linesOf(node, id, '&state=refused')).map(it => [it.line, it.deviceId, it.reason]);

    test('a CSV file becomes devices with all that its columns say, and keys that work', async () => {
      await makeGroup(node, await addUser(node), 'hall-3');
      const ended = await send(
        '\ufeffid,name,type,tags,groups,metadata.line,serial_number,commandWindow,location\r\n' +
          'csv-1,"Press, ""big""\r\none",press,new; blue ,hall-3,7,SN-1,3,"{""lat"": 1.5}"\r\n' +
          ',nameless id,,,,,,,Berlin\r\n',
      );
      assert.partialDeepStrictEqual(ended, {
        state: 'completed',
        total: 2,
        created: 2,
        refused: 0,
        pending: 0,
        donePercent: 100,
      });
      const { body } = await ask(node, 'GET /api/v1/devices/csv-1');
      assert.partialDeepStrictEqual(body, {
        name: 'Press, "big"\r\none',
        type: 'press',
        tags: ['new', 'blue'],
        metadata: { line: '7', serialNumber: 'SN-1' },
        commandWindow: 3,
        location: { lat: 1.5 },
        state: 'registered',
      });
      const members = (await ask(node, 'GET /api/v1/groups/hall-3/devices')).body.items;
      assert.equal(JSON.stringify(members).includes('csv-1'), true);
      const file = await keyFileOf(node, ended.id);
      assert.match(file, /^line,id,name,apiKey\r\n2,csv-1,"Press, ""big""\r\none",skd_/);
      const keys = file.match(/skd_\w+/g)!;
      assert.equal(keys.length, 2);
      const principal = await call(node.broker, access.verify, { key: keys[0]! });
      assert.partialDeepStrictEqual(principal, { kind: 'device', device: 'csv-1' });
    });

    test('each line of NDJSON is a device as registration takes it', async () => {
      const lines = [{ id: 'nd-1', metadata: { deep: { a: [1, null] } }, location: null, tags: ['x'] }, { id: 'nd-2' }];
      const { id } = await send(lines.map(it => JSON.stringify(it)).join('\n'), NDJSON);
      assert.partialDeepStrictEqual((await ask(node, 'GET /api/v1/devices/nd-1')).body, {
        metadata: { deep: { a: [1, null] } },
        location: null,
        tags: ['x'],
      });
      const keys = (await keyFileOf(node, id))
        .trim()
        .split('\n')
        .map(it => JSON.parse(it));
      assert.deepEqual(
        keys.map(it => [it.line, it.deviceId]),
        [
          [1, 'nd-1'],
          [2, 'nd-2'],
        ],
      );
      assert.match(await keyFileOf(node, id, '?format=csv'), /^line,id,name,apiKey\r\n1,nd-1,,skd_/);
    });

    test('broken lines are told with their numbers and reasons, and the others go on', async () => {
      await register(node, 'taken');
      const ended = await send(
        [
          'id,name,groups,commandWindow',
          'good-1,a,,',
          'taken,b,,',
          'good-1,again,,',
          'bad/id,c,,',
          `long,${'x'.repeat(201)},,`,
          `huge,${'x'.repeat(3_000)},,`,
          'groupless,d,nowhere,',
          'cells,e',
          'quo"te,f,,',
          'window,g,,many',
          'window2,h,,1000',
          `${'i'.repeat(65)},i,,`,
          'open,"never closed,,',
          'good-2,"j\nj",,',
        ].join('\n'),
      );
      assert.deepEqual(await refused(ended.id), [
        [3, 'taken', 'conflict'],
        [4, 'good-1', 'conflict'],
        [5, 'bad/id', 'invalid_request'],
        [6, 'long', 'invalid_request'],
        [7, null, 'invalid_request'],
        [8, 'groupless', 'not_found'],
        [9, null, 'invalid_request'],
        [10, null, 'invalid_request'],
        [11, 'window', 'invalid_request'],
        [12, 'window2', 'invalid_request'],
        [13, 'i'.repeat(65), 'invalid_request'],
        [14, null, 'invalid_request'],
      ]);
      const created = await linesOf(node, ended.id, '&state=created');
      assert.deepEqual(
        created.map(it => [it.line, it.deviceId]),
        [
          [2, 'good-1'],
          [15, 'good-2'],
        ],
      );
      assert.deepEqual([ended.created, ended.refused], [2, 12]);
      const [twin] = await linesOf(node, ended.id, '&state=refused');
      assert.equal(twin!.detail, 'A device "taken" exists already');
    });

    test('a line of NDJSON that says too much, too little or nonsense is refused by itself', async () => {
      const lines = [
        '{"id":"nd-good"}',
        '{"id":"nd-x","state":"active"}',
        '{"id":7}',
        '{',
        '[]',
        '{"id":"nd-\\ud800"}',
        '{"id":"nd-name","name":"a\\u0000b"}',
        '{"id":"nd-p","metadata":{"__proto__":{"x":1}}}',
        '{"id":"nd-n","metadata":1e999}',
      ];
      const ended = await send(lines.join('\n'), NDJSON);
      assert.deepEqual(
        (await refused(ended.id)).map(([line]) => line),
        [2, 3, 4, 5, 6, 7, 9],
      );
      assert.equal(ended.created, 2);
    });

    test('five thousand lines, some of them broken, are each done once', async () => {
      const isBroken = (i: number) => i % 100 === 7;
      const file = Array.from({ length: 5_000 }, (_, i) => (isBroken(i) ? `bulk-${i},"x"y\n` : `bulk-${i},n${i}\n`));
      const ended = await send(`id,name\n${file.join('')}`);
      assert.partialDeepStrictEqual(ended, { total: 5_000, created: 4_950, refused: 50, pending: 0 });
      const [row] = await node.database.query<{ devices: number; keys: number }>(
        `SELECT count(DISTINCT device_uid)::int AS devices, count(key_id)::int AS keys FROM device JOIN device_key USING (device_uid)
         WHERE device_id LIKE 'bulk-%'`,
      );
      assert.deepEqual(row, { devices: 4_950, keys: 4_950 });
      const keys = (await keyFileOf(node, ended.id)).trim().split('\r\n');
      assert.equal(new Set(keys).size, 4_951);
    });

    test('a dry run tells the same and makes nothing', async () => {
      await register(node, 'dry-taken');
      const file = 'id\ndry-1\ndry-taken\ndry-1\n';
      const dry = await send(file, { query: '?dryRun=true' });
      assert.partialDeepStrictEqual(dry, { dryRun: true, created: 1, refused: 2, state: 'completed' });
      assert.equal((await ask(node, 'GET /api/v1/devices/dry-1')).status, 404);
      assert.equal(await keyFileOf(node, dry.id), 'line,id,name,apiKey\r\n');
      const real = await send(file);
      assert.partialDeepStrictEqual(real, { dryRun: false, created: 1, refused: 2 });
      assert.deepEqual(await refused(real.id), await refused(dry.id));
    });

    for (const [what, file, options, type] of [
      ['an empty file', '', {}, 'invalid_request'],
      ['a file of empty lines', '\n\r\n\n', {}, 'invalid_request'],
      ['a header and nothing else', 'id,name\n', {}, 'invalid_request'],
      ['an unknown column', 'id,colour\na,b\n', {}, 'invalid_request'],
      ['the same column twice', 'id,device_id\na,b\n', {}, 'invalid_request'],
      ['a header that is no CSV', 'id,"na"me\na,b\n', {}, 'invalid_request'],
      ['a content type that is something else', 'id\na\n', { type: 'text/plain' }, 'unsupported_media_type'],
      ['JSON', '{"id":"a"}', { type: 'application/json' }, 'unsupported_media_type'],
      ['another charset', 'id\na\n', { type: 'text/csv; charset=latin1' }, 'unsupported_media_type'],
      ['a compressed body', 'id\na\n', { headers: { 'content-encoding': 'gzip' } }, 'unsupported_media_type'],
      ['a query that is not known', 'id\na\n', { query: '?dry_run=true' }, 'invalid_request'],
      ['a dry run that is neither', 'id\na\n', { query: '?dryRun=yes' }, 'invalid_request'],
    ] as const)
      test(`${what} is refused, and nothing of it stays`, async () => {
        assert.equal((await sendFile(node, file, options)).body.type, type);
        assert.deepEqual(await node.database.query(`SELECT FROM device_import WHERE state = 'receiving'`), []);
      });

    test('the same file with the same Idempotency-Key is one import; another one is refused', async () => {
      const headers = { 'idempotency-key': 'file-1' };
      const first = await sendFile(node, 'id\nonce-1\n', { headers });
      const second = await sendFile(node, 'id\nonce-1\n', { headers });
      assert.deepEqual([second.status, second.body.id], [202, first.body.id]);
      assert.equal((await sendFile(node, 'id\nonce-2\n', { headers })).body.type, 'idempotency_key_reused');
      assert.partialDeepStrictEqual(await importEnded(node, first), { created: 1 });
      assert.deepEqual(await node.database.query(`SELECT FROM device_import WHERE state = 'receiving'`), []);
    });

    test('keys are sealed in the database, and gone when they were forgotten', async () => {
      const { id } = await send('id\nforget-1\n');
      const [key] = (await keyFileOf(node, id)).match(/skd_\w+/)!;
      const [row] = await node.database.query<{ sealed: Uint8Array }>(
        'SELECT sealed FROM device_import_line WHERE import_id = $1',
        [id],
      );
      assert.equal(Buffer.from(row!.sealed).includes(key.split('_')[2]!), false);
      const path = `/api/v1/devices/imports/${id}/credentials`;
      assert.deepEqual((await ask(node, `DELETE ${path}`)).body, { forgotten: 1 });
      assert.deepEqual((await ask(node, `DELETE ${path}`)).body, { forgotten: 0 });
      assert.equal(await keyFileOf(node, id), 'line,id,name,apiKey\r\n');
      assert.equal((await call(node.broker, access.verify, { key })).kind, 'device');
    });

    test("an import of another organization looks like one that is not there, and its ids are in nobody else's way", async () => {
      const { id } = await send('id\nmine-1\n');
      const key = await addTenant(node, `importing-${engine}`);
      const path = `/api/v1/devices/imports/${id}`;
      for (const line of [
        `GET ${path}`,
        `GET ${path}/lines`,
        `GET ${path}/credentials`,
        `DELETE ${path}/credentials`,
        `POST ${path}/cancel`,
      ])
        assert.equal((await ask(node, line, { key })).status, 404, line);
      assert.deepEqual((await ask(node, 'GET /api/v1/devices/imports', { key })).body.items, []);
      const theirs = await importEnded(node, await sendFile(node, 'id\nmine-1\n', { key }), key);
      assert.equal(theirs.created, 1);
    });

    test('a device has no say in any of this, nor has a name that is the path of imports', async () => {
      const key = await register(node, 'curious');
      assert.equal((await sendFile(node, 'id\nx\n', { key })).status, 403);
      assert.equal((await ask(node, 'GET /api/v1/devices/imports', { key })).status, 403);
      assert.equal((await ask(node, 'POST /api/v1/devices', { body: { id: 'imports' } })).body.type, 'invalid_request');
    });

    test('it is written down who imported what, and how it ended', async () => {
      const { id } = await send('id\naudited-1\naudited-1\n');
      const [started] = (await auditOf(node, 'import.started')).filter(it => it.target === `import ${id}`);
      const [ended] = (await auditOf(node, 'import.ended')).filter(it => it.target === `import ${id}`);
      assert.partialDeepStrictEqual(started, { data: { format: 'csv', total: 2 } });
      assert.partialDeepStrictEqual(ended, {
        actor: started!.actor,
        data: { created: 1, refused: 1, state: 'completed' },
      });
    });

    test('pages of imports and of lines go on where the one before ended', async () => {
      const { id } = await send('id\npage-1\npage-2\npage-3\n');
      const path = `/api/v1/devices/imports/${id}/lines`;
      const first = (await ask(node, `GET ${path}?limit=2`)).body;
      const second = (await ask(node, `GET ${path}?limit=2&cursor=${first.nextCursor}`)).body;
      assert.deepEqual(
        [...first.items, ...second.items].map(it => it.line),
        [2, 3, 4],
      );
      const newest = (await ask(node, 'GET /api/v1/devices/imports?limit=1')).body;
      assert.equal(newest.items[0].id, id);
    });
  });

test('what a spreadsheet would take for a formula is a text in the file of keys', async () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1']) assert.equal(csvCell(text), `"'${text}"`);
  assert.equal(csvCell('=HYPERLINK("x")'), `"'=HYPERLINK(""x"")"`);
  assert.equal(csvCell('a=1'), 'a=1');
});

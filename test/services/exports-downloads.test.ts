import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { rangeOf } from '../../services/exports/downloads.ts';
import { download, type ExportsNode, exported, fill, startExportsNode } from './exports-node.ts';
import { ask } from './rest-node.ts';

describe('the file of an export', () => {
  let node: ExportsNode;
  let id: string;
  let whole: Buffer;
  let etag: string;
  before(async () => {
    node = await startExportsNode();
    await fill(node, ['a', 'b'], 150);
    id = (await exported(node, { format: 'csv' })).id;
    const { bytes, headers } = await download(node, id);
    whole = bytes;
    etag = headers.get('etag')!;
    assert.ok(whole.length > 10_000);
  });
  after(() => node?.stop());

  test('says that parts of it can be asked for, and names itself strongly', async () => {
    const { headers } = await download(node, id);
    assert.equal(headers.get('accept-ranges'), 'bytes');
    assert.match(etag, /^"[0-9a-f-]{36}"$/);
    assert.equal((await download(node, id, { 'if-none-match': etag })).status, 304);
  });

  test('comes in parts: from a byte on, between two, the last ones', async () => {
    const size = whole.length;
    const cases: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=0-', 0, size],
      ['bytes=2999-4001', 2999, 4002],
      [`bytes=${size - 1}-`, size - 1, size],
      ['bytes=-1500', size - 1500, size],
      [`bytes=-${size + 5}`, 0, size],
      [`bytes=5000-${size + 100}`, 5000, size],
    ];
    for (const [range, start, end] of cases) {
      const { status, headers, bytes } = await download(node, id, { range });
      assert.equal(status, 206, range);
      assert.equal(headers.get('content-range'), `bytes ${start}-${end - 1}/${size}`);
      assert.equal(headers.get('content-length'), String(end - start));
      assert.ok(bytes.equals(whole.subarray(start, end)), range);
    }
  });

  test('has an end, and says where', async () => {
    for (const range of [`bytes=${whole.length}-`, 'bytes=99999999-', 'bytes=-0']) {
      const { status, headers, bytes } = await download(node, id, { range });
      assert.equal(status, 416, range);
      assert.equal(headers.get('content-range'), `bytes */${whole.length}`);
      assert.equal(JSON.parse(bytes.toString()).type, 'range_not_satisfiable');
    }
  });

  test('comes whole for what is no range of it, and for several', async () => {
    for (const range of ['bytes=5-2', 'bytes=a-b', 'bytes=-', 'lines=1-2', 'bytes=0-1,5-6', 'nonsense']) {
      const { status, bytes } = await download(node, id, { range });
      assert.equal(status, 200, range);
      assert.ok(bytes.equals(whole));
    }
  });

  test('comes in parts only when it is the same as before', async () => {
    assert.equal((await download(node, id, { range: 'bytes=5-9', 'if-range': etag })).status, 206);
    for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      const { status, bytes } = await download(node, id, { range: 'bytes=5-9', 'if-range': other });
      assert.equal(status, 200, other);
      assert.ok(bytes.equals(whole));
    }
  });

  test('is described by HEAD, without being read', async () => {
    const { status, headers, bytes } = await download(node, id, {}, 'HEAD');
    assert.deepEqual(
      [status, headers.get('content-length'), headers.get('etag'), bytes.length],
      [200, String(whole.length), etag, 0],
    );
  });

  test('is the same when the connection is cut in the middle, as often as it may be', async () => {
    const received: Buffer[] = [];
    let at = 0;
    let cuts = 0;
    while (at < whole.length) {
      const got = await cutAfter(node, id, at, 3_000, etag);
      received.push(got);
      at += got.length;
      cuts++;
    }
    assert.ok(cuts > 3);
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash(Buffer.concat(received)), hash(whole));
  });

  test('takes positions from nobody but itself', async () => {
    const { status, headers, bytes } = await download(node, id, { range: 'bytes=0-99' });
    assert.deepEqual([status, headers.get('content-length'), bytes.length], [206, '100', 100]);
    for (const query of ['start=5', 'end=9', 'range=bytes%3D0-1', 'ifRange=x'])
      assert.equal((await ask(node, `GET /api/v1/exports/${id}/file?${query}`)).status, 400, query);
  });

  test('that is not in the store of this node is told as such', async () => {
    const other = (await exported(node, { format: 'ndjson' })).id;
    for await (const { key } of node.blobs.list(`exports/${other}/`)) await node.blobs.remove(key);
    const { status, body } = await ask(node, `GET /api/v1/exports/${other}/file`);
    assert.deepEqual([status, body.type], [503, 'unavailable']);
    assert.match(body.detail, /SKEIN_BLOBS_URL/);
  });
});

test('a range is read as the standard says', () => {
  assert.deepEqual(rangeOf('bytes=0-9', 100), { start: 0, end: 10 });
  assert.deepEqual(rangeOf('BYTES = 90 - 200', 100), { start: 90, end: 100 });
  assert.deepEqual(rangeOf('bytes=-5', 100), { start: 95, end: 100 });
  assert.equal(rangeOf('bytes=-5', 0), 'beyond');
  assert.equal(rangeOf('bytes=0-', 0), 'beyond');
  assert.equal(rangeOf(`bytes=${'9'.repeat(400)}-`, 100), 'other');
});

/** Reads from there on, and breaks the connection when it has so many bytes, or more. */
function cutAfter(node: ExportsNode, id: string, start: number, bytes: number, etag: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${node.adminKey}`, range: `bytes=${start}-`, 'if-range': etag };
    const request = get(
      `${node.url}/api/v1/exports/${id}/file`,
      { headers, agent: false },
      (response: IncomingMessage) => {
        if (response.statusCode !== 206) reject(new Error(`${response.statusCode}`));
        const chunks: Buffer[] = [];
        let length = 0;
        const end = () => resolve(Buffer.concat(chunks));
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length >= bytes) request.destroy();
        });
        response.on('close', end);
        response.on('error', () => {});
      },
    );
    request.on('error', error => (request.destroyed ? undefined : reject(error)));
  });
}

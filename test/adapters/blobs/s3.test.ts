/** What is particular to a bucket: signatures, requests that fail, parts, pages, both styles of address. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { after, afterEach, before, mock, test } from 'node:test';
import { openBucket } from '../../../adapters/blobs/s3.ts';
import { partsOf } from '../../../adapters/blobs/s3-upload.ts';
import type { BlobError } from '../../../contracts/blobs.ts';
import { freePort } from '../../support/free-port.ts';
import { CREDENTIALS, type Fault, type S3Server, type Seen, startS3Server } from './s3-server.ts';
import { isSigned } from './signature.ts';
import { bucketAt, inChunks, keysOf, kind, PART_BYTES, S3_LIMITS, someBytes, textBody, wholeOf } from './stores.ts';

let server: S3Server;
const open = (more = {}, credentials = CREDENTIALS, limits = S3_LIMITS) =>
  openBucket(bucketAt(server.port, more), credentials, limits);
/** The first requests that fit fail so; the others don't. */
const failing = (fault: Fault, times: number, fits: (seen: Seen) => boolean = () => true) => {
  let left = times;
  server.fault = seen => (fits(seen) && left-- > 0 ? fault : undefined);
};
const isPart = (seen: Seen) => seen.url.includes('partNumber=');
const isCompletion = (seen: Seen) => seen.method === 'POST' && seen.url.includes('uploadId=');

before(async () => {
  server = await startS3Server();
});
after(() => server.stop());
afterEach(async () => {
  server.fault = () => undefined;
  server.pageKeys = 1_000;
  const store = open();
  for (const key of await keysOf(store)) await store.remove(key);
  server.seen.length = 0;
});

test('the tests themselves know a good signature from a bad one', () => {
  // The first example of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
  const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const authorization =
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
    'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
    'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
  const request = {
    method: 'GET',
    url: '/test.txt',
    headers: {
      host: 'examplebucket.s3.amazonaws.com',
      range: 'bytes=0-9',
      'x-amz-content-sha256': hash,
      'x-amz-date': '20130524T000000Z',
      authorization,
    },
    body: Buffer.alloc(0),
  };
  const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  assert.ok(isSigned(request, 'AKIAIOSFODNN7EXAMPLE', secret));
  assert.ok(!isSigned(request, 'AKIAIOSFODNN7EXAMPLE', `${secret}x`));
  assert.ok(!isSigned({ ...request, body: Buffer.from('x') }, 'AKIAIOSFODNN7EXAMPLE', secret));
  assert.ok(!isSigned({ ...request, url: '/other.txt' }, 'AKIAIOSFODNN7EXAMPLE', secret));
});

test('wrong credentials are refused at once, and no error shows a secret', async () => {
  for (const credentials of [
    { ...CREDENTIALS, secretAccessKey: 'wrong-and-very-secret' },
    { ...CREDENTIALS, accessKeyId: 'NOBODY' },
  ]) {
    const store = open({}, credentials);
    const works: (() => Promise<unknown>)[] = [
      () => store.put('a', textBody('x')),
      () => store.get('a'),
      () => store.size('a'),
      () => store.remove('a'),
      () => keysOf(store),
    ];
    for (const work of works)
      await assert.rejects(work, (error: BlobError) => {
        const told = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
        assert.ok(!told.includes(credentials.secretAccessKey) && !told.includes('Signature='));
        return kind('refused')(error);
      });
  }
  assert.deepEqual(server.seen, []);
});

test('a store that says that it can not now is asked again, whatever is asked', async () => {
  const store = open();
  const content = someBytes(3 * PART_BYTES + 5);
  for (const status of [500, 503, 429])
    for (const fits of [() => true, isPart, isCompletion]) {
      failing(status, 2, fits);
      await store.put('a', inChunks(content, 10_000));
      assert.ok(content.equals(await wholeOf(await store.get('a'))));
    }
  for (const work of [
    () => store.size('a'),
    () => store.read('a', 0, 5),
    () => keysOf(store),
    () => store.remove('a'),
  ]) {
    failing(503, 2);
    await work();
  }
});

test('not forever: then it is unavailable, and what was uploaded is given up', async () => {
  const store = open();
  failing(503, Number.POSITIVE_INFINITY, isPart);
  await assert.rejects(store.put('a', inChunks(someBytes(3 * PART_BYTES), 10_000)), kind('unavailable'));
  assert.equal(server.seen.filter(isPart).length, S3_LIMITS.blobAttempts);
  assert.deepEqual(await server.openUploads(), []);
  failing(503, Number.POSITIVE_INFINITY);
  server.seen.length = 0;
  await assert.rejects(store.size('a'), kind('unavailable'));
  assert.equal(server.seen.length, S3_LIMITS.blobAttempts);
});

test('what the store says becomes the kind of the error', async () => {
  const store = open();
  for (const [status, wanted] of [
    [507, 'full'],
    [403, 'refused'],
    [301, 'failed'],
    [400, 'failed'],
  ] as const) {
    failing(status, 1);
    await assert.rejects(store.put('a', textBody('x')), (error: BlobError) => {
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1.*${status} Told`));
      return kind(wanted)(error);
    });
  }
  await assert.rejects(open({ bucket: 'another' }).get('a'), kind('failed'));
});

test('a store that is not there is unavailable', async () => {
  const store = openBucket(bucketAt(await freePort()), CREDENTIALS, S3_LIMITS);
  await assert.rejects(store.put('a', textBody('x')), (error: BlobError) => {
    assert.match(error.message, /ECONNREFUSED/);
    return kind('unavailable')(error);
  });
  await assert.rejects(store.get('a'), kind('unavailable'));
});

test('a store that does not answer is given up after its time', async () => {
  const impatient = open({}, CREDENTIALS, { ...S3_LIMITS, blobTimeoutMs: 20, blobAttempts: 2 });
  failing('silent', 2);
  await assert.rejects(impatient.size('a'), kind('unavailable'));
  const patient = open({}, CREDENTIALS, { ...S3_LIMITS, blobTimeoutMs: 1_000, blobAttempts: 3 });
  failing('silent', 1);
  assert.equal(await patient.size('a'), undefined);
});

test('closing ends what is under way, and nothing is sent after it', async () => {
  const store = open();
  const asked = Promise.withResolvers<void>();
  server.fault = () => {
    asked.resolve();
    return 'silent';
  };
  const waiting = assert.rejects(store.size('a'), kind('unavailable'));
  await asked.promise;
  await store.close();
  await waiting;
  await assert.rejects(store.size('a'), kind('unavailable'));
  assert.equal(server.seen.length, 1);
});

test('a connection that breaks while a blob is read is made again from there', async () => {
  const store = open();
  const content = someBytes(1_000_000);
  await store.put('a', inChunks(content, 100_000));
  server.seen.length = 0;
  failing('cut', 3);
  assert.ok(content.equals(await wholeOf(await store.get('a'))));
  assert.ok(server.seen.filter(it => it.range !== undefined).length >= 1);
  failing('cut', 2);
  assert.ok(content.subarray(10_000, 700_001).equals(await store.read('a', 10_000, 700_001)));
});

test('an upload whose last answer was lost is complete', async () => {
  const store = open();
  const content = someBytes(2 * PART_BYTES + 1);
  failing('lost', 1, isCompletion);
  assert.deepEqual(await store.put('a', inChunks(content, 50_000)), { bytes: content.length });
  assert.ok(content.equals(await wholeOf(await store.get('a'))));
});

test('of a body that fails no part is left', async () => {
  async function* body() {
    yield someBytes(3 * PART_BYTES);
    assert.equal((await server.openUploads()).length, 1);
    throw new Error('the source broke');
  }
  await assert.rejects(open().put('a', body()), /the source broke/);
  assert.deepEqual(await server.openUploads(), []);
});

test('of a large blob only a part and a chunk are in memory', async () => {
  let made = 0;
  let ahead = 0;
  const sent = () => server.seen.filter(isPart).reduce((sum, it) => sum + it.bytes, 0);
  async function* body() {
    for (; made < 300 * 16_384; made += 16_384) {
      ahead = Math.max(ahead, made - sent());
      yield Buffer.alloc(16_384, made);
    }
  }
  await open().put('a', body());
  assert.equal(
    server.seen.filter(isPart).reduce((sum, it) => sum + it.bytes, 0),
    made,
  );
  assert.ok(ahead > 0 && ahead <= PART_BYTES + 16_384, `${ahead} bytes`);
});

test('a small blob is one request', async () => {
  await open().put('a', textBody('small'));
  assert.deepEqual(
    server.seen.map(it => [it.method, it.url, it.bytes]),
    [['PUT', '/archive/skein/Site-1/a', 5]],
  );
});

test('parts have one size, but for the last', async () => {
  for (const [bytes, sizes] of [
    [0, [0]],
    [10, [10]],
    [11, [10, 1]],
    [20, [10, 10]],
    [35, [10, 10, 10, 5]],
  ] as const)
    for (const chunkBytes of [1, 7, 10, 100]) {
      const parts = await Array.fromAsync(partsOf(inChunks(someBytes(bytes), chunkBytes), 10));
      assert.deepEqual(
        parts.map(it => it.content.byteLength),
        sizes,
      );
      assert.deepEqual(
        parts.map(it => it.isLast),
        sizes.map((_, at) => at === sizes.length - 1),
      );
    }
});

test('a list goes through all pages, and has nothing of other prefixes', async () => {
  const store = open();
  server.pageKeys = 3;
  const keys = Array.from({ length: 10 }, (_, n) => `list/${n}`);
  for (const key of keys) await store.put(key, textBody(key));
  await open({ prefix: 'skein/Site-10/' }).put('list/of-another', textBody('x'));
  await open({ prefix: '' }).put('list/of-all', textBody('x'));
  server.seen.length = 0;
  assert.deepEqual(await keysOf(store, 'list/'), keys);
  assert.equal(server.seen.length, 4);
  const all = await keysOf(open({ prefix: '' }));
  // What is not a key of ours, for its capital letter, is somebody else's.
  assert.deepEqual(all, ['list/of-all']);
  await open({ prefix: 'skein/Site-10/' }).remove('list/of-another');
  await open({ prefix: '' }).remove('list/of-all');
});

test('the bucket may be in the host name', async () => {
  const lookup = dns.lookup;
  // Not every machine knows that all names below localhost are its own.
  mock.method(dns, 'lookup', (name: string, ...rest: never[]) =>
    (lookup as (...all: unknown[]) => void)(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest),
  );
  try {
    const store = open({ pathStyle: false, endpoint: `http://s3.localhost:${server.port}` });
    await store.put('by=host/x', textBody('found'));
    assert.equal((await wholeOf(await store.get('by=host/x'))).toString(), 'found');
    assert.deepEqual(await keysOf(store, 'by'), ['by=host/x']);
    for (const { host, url } of server.seen) {
      assert.equal(host, `archive.s3.localhost:${server.port}`);
      assert.match(url, /^\/(\?list-type=2|skein\/Site-1\/by=host\/x$)/);
    }
  } finally {
    mock.restoreAll();
  }
  assert.equal(await open().size('by=host/x'), 5);
});

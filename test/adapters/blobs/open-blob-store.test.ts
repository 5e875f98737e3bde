/** From the settings to the store that they name. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBlobStore } from '../../../adapters/blobs/open-blob-store.ts';
import { ConfigError, readConfig } from '../../../config.ts';
import { parseBlobAddress } from '../../../contracts/blob-address.ts';
import { CREDENTIALS, type S3Server, startS3Server } from './s3-server.ts';
import { kind, textBody } from './stores.ts';

let folder: string;
let server: S3Server;
const open = (env: Record<string, string>) => openBlobStore(readConfig({ SKEIN_DATA_DIR: folder, ...env }));
const bucket = () => ({
  SKEIN_BLOBS_URL: `s3://archive/site-1?endpoint=http://127.0.0.1:${server.port}&region=eu-central-1&pathStyle=true`,
  SKEIN_BLOBS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
});

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-open-'));
  server = await startS3Server();
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test('without a setting they are in the data directory, with a file URL in that folder', async () => {
  await (await open({})).put('a/x', textBody('x'));
  assert.ok((await stat(join(folder, 'blobs/a/x'))).isFile());
  await (await open({ SKEIN_BLOBS_URL: `file://${folder}/with%20space` })).put('a/x', textBody('x'));
  assert.ok((await stat(join(folder, 'with space/a/x'))).isFile());
});

test('a bucket is opened with credentials of settings, or with a secret of a file', async () => {
  const path = join(folder, 'secret');
  await writeFile(path, `${CREDENTIALS.secretAccessKey}\n`);
  const direct = await open({ ...bucket(), SKEIN_BLOBS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey });
  await direct.put('a', textBody('12345'));
  const byFile = await open({ ...bucket(), SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE: path });
  assert.equal(await byFile.size('a'), 5);
  assert.equal(server.seen.at(-1)!.url, '/archive/site-1/a');
});

test('a file without a secret is an error that names the setting and shows nothing of it', async () => {
  const path = join(folder, 'bad');
  for (const content of ['', ' \n', 'x'.repeat(2_000)]) {
    await writeFile(path, content);
    const opening = open({ ...bucket(), SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE: path });
    await assert.rejects(opening, (error: Error) => {
      assert.match(error.message, /SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE/);
      assert.ok(!error.message.includes('xx'));
      return kind('refused')(error);
    });
  }
  await assert.rejects(open({ ...bucket(), SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE: join(folder, 'none') }), /ENOENT/);
});

test('an address has all its parts, and what is left out has a usual value', () => {
  assert.deepEqual(parseBlobAddress('s3://my-bucket'), {
    kind: 'bucket',
    bucket: 'my-bucket',
    prefix: '',
    endpoint: undefined,
    region: 'us-east-1',
    pathStyle: false,
  });
  const full = 's3://my-bucket/a/b/?endpoint=https://minio:9000&region=eu-central-1&pathStyle=true';
  assert.deepEqual(parseBlobAddress(full), {
    kind: 'bucket',
    bucket: 'my-bucket',
    prefix: 'a/b/',
    endpoint: 'https://minio:9000',
    region: 'eu-central-1',
    pathStyle: true,
  });
  assert.deepEqual(parseBlobAddress('file:///srv/blobs'), { kind: 'folder', path: '/srv/blobs' });
});

for (const url of [
  'blobs',
  '/srv/blobs',
  'file:///',
  'file://host/path',
  'file:///a%00b',
  'file:///a%E0%A4%A',
  'https://bucket.s3.amazonaws.com',
  's3://',
  's3://A_B',
  's3://bucket:9000/x',
  's3://key:secret@bucket/x',
  's3://bucket/a//b',
  's3://bucket/.a',
  's3://bucket?endpoint=minio:9000',
  's3://bucket?endpoint=https://minio/path',
  's3://bucket?endpoint=https://key:secret@minio',
  's3://bucket?endpoint=ftp://minio',
  's3://bucket?pathStyle=yes',
  's3://bucket?region=EU',
  's3://bucket?regoin=eu-central-1',
  's3://bucket?region=a&region=b',
])
  test(`${url} is no address, and is not shown: it may hold a secret`, () => {
    assert.throws(
      () => readConfig({ SKEIN_BLOBS_URL: url }),
      (error: Error) => {
        assert.ok(error instanceof ConfigError && error.problems.length === 1);
        assert.match(error.message, /SKEIN_BLOBS_URL is not shown here, but must be file:/);
        return !error.message.includes(`"${url}"`);
      },
    );
  });

test('settings that contradict each other are refused at the start', () => {
  const id = { SKEIN_BLOBS_ACCESS_KEY_ID: 'x' };
  const both = { SKEIN_BLOBS_SECRET_ACCESS_KEY: 'very-secret', SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE: '/run/secret' };
  for (const env of [
    { SKEIN_BLOBS_URL: 's3://bucket' },
    { SKEIN_BLOBS_URL: 's3://bucket', ...id },
    { SKEIN_BLOBS_URL: 's3://bucket', SKEIN_BLOBS_SECRET_ACCESS_KEY: 'very-secret' },
    { SKEIN_BLOBS_URL: 's3://bucket', ...id, ...both },
  ])
    assert.throws(
      () => readConfig(env),
      (error: Error) => error instanceof ConfigError && !error.message.includes('very-secret'),
    );
});

import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { after, before, beforeEach, test } from 'node:test';
import { Authorities } from '../../../adapters/certificates/authorities.ts';
import { issueWithKey } from '../../../adapters/certificates/issuing.ts';
import type { Database } from '../../../adapters/database/database.ts';
import { openDatabase } from '../../../adapters/database/open-database.ts';
import { openSealer } from '../../../adapters/secrets/sealer.ts';
import { readConfig } from '../../../config.ts';
import type { Sealer } from '../../../contracts/sealing.ts';
import { newDataDir } from '../../support/data-dir.ts';

const DAY_MS = 86_400_000;
let dataDir: string;
let database: Database;
let sealer: Sealer;
let nowMs: number;
before(async () => {
  dataDir = await newDataDir('skein-authorities-');
  database = await openDatabase({ ...readConfig({}), dataDir });
  sealer = await openSealer(database, randomBytes(32));
});
after(async () => {
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});
beforeEach(async () => {
  nowMs = Date.now();
  await database.query('DELETE FROM certificate_authority');
});
const authorities = (longestDays = 1_825) => new Authorities({ database, sealer, longestDays, nowMs: () => nowMs });
const rows = () =>
  database.query<{ authority_id: number; private_key: Uint8Array }>('SELECT * FROM certificate_authority ORDER BY 1');

test('none is made before one is needed', async () => {
  assert.deepEqual(await authorities().trusted(), []);
  assert.deepEqual(await rows(), []);
});

test('many processes that need one at once make one', async () => {
  const signing = await Promise.all(Array.from({ length: 8 }, () => authorities().signing()));
  assert.equal((await rows()).length, 1);
  assert.equal(new Set(signing.map(it => it.certificate.serialNumber)).size, 1);
});

test('its key is sealed, and sealed for its row only', async () => {
  const { id } = await authorities().signing();
  const [row] = await rows();
  assert.throws(() => sealer.open(row!.private_key, `authority ${id + 1}`));
  const key = sealer.open(row!.private_key, `authority ${id}`);
  assert.equal(Buffer.from(row!.private_key).includes(Buffer.from(key)), false);
});

test('one that ends before a certificate could is replaced, and trusted until its end', async () => {
  const its = authorities();
  const first = await its.signing();
  nowMs += 5 * 365 * DAY_MS;
  assert.equal((await its.signing()).id, first.id);
  nowMs += 3 * DAY_MS;
  const second = await its.signing();
  assert.notEqual(second.id, first.id);
  assert.deepEqual(
    (await its.trusted()).map(it => it.id),
    [second.id, first.id],
  );
  nowMs = first.certificate.notAfter.getTime() + 60_000;
  assert.deepEqual(
    (await authorities().trusted()).map(it => it.id),
    [second.id],
  );
});

test('servers get theirs from the oldest that is good for long enough: devices know that one', async () => {
  const its = authorities();
  const first = await its.signing();
  nowMs += 6 * 365 * DAY_MS;
  const second = await its.signing();
  assert.equal((await its.forServers(90)).id, first.id);
  nowMs = first.certificate.notAfter.getTime() - 80 * DAY_MS;
  assert.equal((await authorities().forServers(90)).id, second.id);
});

test('a limit that is longer than an authority lives does not make new ones without end', async () => {
  const its = authorities(36_500);
  for (let i = 0; i < 3; i++) {
    await its.signing();
    nowMs += 60_000;
  }
  assert.equal((await rows()).length, 1);
});

test('what it signs is signed by the certificate that all are told of', async () => {
  const its = authorities();
  const issued = await issueWithKey(await its.signing(), { tenant: 'default', device: 'press-4' }, { days: 1, nowMs });
  const [trusted] = await its.trusted();
  const authority = new X509Certificate(trusted!.pem);
  assert.ok(new X509Certificate(issued.pem).verify(authority.publicKey));
  assert.ok(new X509Certificate(issued.pem).checkIssued(authority));
});

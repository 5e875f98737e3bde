import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { type Authority, certificateOf, newAuthority } from '../../../adapters/certificates/authority.ts';
import { issueForDevice, issueForServer, issueWithKey } from '../../../adapters/certificates/issuing.ts';
import { pemOf, signingKeyOf } from '../../../adapters/certificates/key-pairs.ts';
import { readRequest } from '../../../adapters/certificates/request.ts';
import { type RevokedCertificate, revocationList } from '../../../adapters/certificates/revocation-list.ts';
import { newSerialNumber } from '../../../adapters/certificates/serial-numbers.ts';
import { openssl } from '../../support/openssl.ts';
import { type KINDS, newRequest } from './requests.ts';

const NAME = { tenant: 'default', device: 'press-4' };
let authority: Authority;
let authorityPem: string;
before(async () => {
  ({ authority, pem: authorityPem } = await made());
});

async function made(nowMs = Date.now()): Promise<{ authority: Authority; pem: string }> {
  const { pem, privateKey } = await newAuthority(nowMs);
  const signingKey = await signingKeyOf(new Uint8Array(privateKey));
  return { pem, authority: { id: 1, certificate: certificateOf(pem), signingKey } };
}
const validity = (days = 365) => ({ days, nowMs: Date.now() });
const publicKeyOf = async (csr: string) => {
  const read = await readRequest(csr, 'press-4', 16_384);
  assert.ok('publicKey' in read);
  return read.publicKey;
};

test('OpenSSL takes the chain of a device, for a client and for nothing else', async t => {
  const { write, run } = await openssl(t);
  await write('ca.pem', authorityPem);
  for (const kind of ['P-256', 'P-384', 'Ed25519', 'RSA 2048'] satisfies (keyof typeof KINDS)[]) {
    const { csr } = await newRequest('press-4', kind);
    const { pem } = await issueForDevice(authority, NAME, await publicKeyOf(csr), validity());
    await write('device.pem', pem);
    const verify = ['verify', '-x509_strict', '-CAfile', 'ca.pem', '-purpose'];
    assert.match((await run(...verify, 'sslclient', 'device.pem')).output, /OK/, kind);
    assert.equal((await run(...verify, 'sslserver', 'device.pem')).ok, false, kind);
  }
});

test('OpenSSL refuses it under another authority', async t => {
  const { write, run } = await openssl(t);
  const { pem } = await issueWithKey(authority, NAME, validity());
  await write('other.pem', (await made()).pem);
  await write('device.pem', pem);
  assert.equal((await run('verify', '-CAfile', 'other.pem', 'device.pem')).ok, false);
});

test('a certificate says whose it is, and nothing that the request says besides', async () => {
  const issued = await issueWithKey(authority, NAME, validity(10));
  const read = new X509Certificate(issued.pem);
  assert.deepEqual(read.subject.split('\n'), ['O=default', 'CN=press-4']);
  assert.equal(read.subjectAltName, 'URI:urn:skein:default:press-4');
  assert.equal(read.serialNumber, issued.serialNumber);
  assert.match(issued.serialNumber, /^[4-7][0-9A-F]{31}$/);
  assert.equal(read.fingerprint256.replaceAll(':', '').toLowerCase(), issued.fingerprint);
  assert.equal(read.validToDate.getTime(), issued.notAfter.getTime());
  assert.equal(read.ca, false);
  assert.ok(read.checkPrivateKey((await import('node:crypto')).createPrivateKey(issued.privateKeyPem)));
});

test('no certificate is good for longer than its authority', async () => {
  const { notAfter } = await issueWithKey(authority, NAME, validity(36_500));
  assert.equal(notAfter.getTime(), authority.certificate.notAfter.getTime());
});

test('a certificate of the server is for its names and addresses', async t => {
  const issued = await issueForServer(authority, ['iot.example.org', '127.0.0.1', '::1'], validity());
  const read = new X509Certificate(issued.pem);
  assert.ok(read.checkHost('iot.example.org'));
  assert.ok(read.checkIP('127.0.0.1'));
  assert.ok(read.checkIP('::1'));
  assert.equal(read.checkHost('other.example.org'), undefined);
  const { write, run } = await openssl(t);
  await write('ca.pem', authorityPem);
  await write('server.pem', issued.pem);
  assert.match((await run('verify', '-CAfile', 'ca.pem', '-purpose', 'sslserver', 'server.pem')).output, /OK/);
  assert.equal((await run('verify', '-CAfile', 'ca.pem', '-purpose', 'sslclient', 'server.pem')).ok, false);
});

const listOf = async (revoked: RevokedCertificate[], number = 7) => {
  const thisUpdate = new Date(Math.floor(Date.now() / 1000) * 1000);
  const nextUpdate = new Date(thisUpdate.getTime() + 86_400_000);
  return revocationList(authority, revoked, { number, thisUpdate, nextUpdate });
};

test('OpenSSL finds a revoked certificate in the list, with its reason, and no other one', async t => {
  const { write, run } = await openssl(t);
  const [good, bad] = [
    await issueWithKey(authority, NAME, validity()),
    await issueWithKey(authority, NAME, validity()),
  ];
  const entry = { serialNumber: bad.serialNumber, revokedAt: new Date(), reason: 'keyCompromise' };
  await write('ca.pem', authorityPem);
  await write('crl.pem', pemOf('X509 CRL', await listOf([entry])));
  await write('good.pem', good.pem);
  await write('bad.pem', bad.pem);
  const verify = ['verify', '-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'crl.pem'];
  assert.match((await run(...verify, 'good.pem')).output, /OK/);
  assert.match((await run(...verify, 'bad.pem')).output, /certificate revoked/);
  const { output } = await run('crl', '-in', 'crl.pem', '-noout', '-text');
  assert.match(output, /Key Compromise/);
  assert.match(output, /CRL Number:\s+7\b/);
  assert.match((await run('crl', '-in', 'crl.pem', '-noout', '-CAfile', 'ca.pem')).output, /verify OK/);
});

test('a list of nothing, and one of 50,000, are good ones', async t => {
  const { write, run } = await openssl(t);
  await write('ca.pem', authorityPem);
  const many = Array.from({ length: 50_000 }, (_, i) => ({
    serialNumber: newSerialNumber(),
    revokedAt: new Date(i % 2 === 0 ? '2026-01-01T00:00:00Z' : '2051-01-01T00:00:00Z'),
    reason: i % 3 === 0 ? null : 'superseded',
  }));
  for (const revoked of [[], many]) {
    await write('crl.der', await listOf(revoked, 300));
    assert.match(
      (await run('crl', '-in', 'crl.der', '-inform', 'der', '-noout', '-CAfile', 'ca.pem')).output,
      /verify OK/,
    );
    const { output } = await run('crl', '-in', 'crl.der', '-inform', 'der', '-noout', '-text');
    assert.equal(output.match(/Serial Number:/g)?.length ?? 0, revoked.length);
  }
});

test('a list that was changed is no good one', async t => {
  const { write, run } = await openssl(t);
  const list = Buffer.from(
    await listOf([{ serialNumber: newSerialNumber(), revokedAt: new Date(), reason: 'unspecified' }]),
  );
  list[120]! ^= 0x01;
  await write('ca.pem', authorityPem);
  await write('crl.der', list);
  const { output } = await run('crl', '-in', 'crl.der', '-inform', 'der', '-noout', '-CAfile', 'ca.pem');
  assert.doesNotMatch(output, /verify OK/);
});

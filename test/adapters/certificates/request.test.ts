import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pemOf } from '../../../adapters/certificates/key-pairs.ts';
import { readRequest } from '../../../adapters/certificates/request.ts';
import { openssl } from '../../support/openssl.ts';
import { type KINDS, newRequest } from './requests.ts';

const MAX_BYTES = 16_384;
const refusal = async (csr: string, device = 'press-4', maxBytes = MAX_BYTES): Promise<string | undefined> => {
  const read = await readRequest(csr, device, maxBytes);
  return 'refused' in read ? read.refused : undefined;
};

for (const kind of ['P-256', 'P-384', 'Ed25519', 'RSA 2048'] as const)
  test(`a request with a key of ${kind} is taken`, async () => {
    assert.equal(await refusal((await newRequest('press-4', kind)).csr), undefined);
  });

for (const kind of ['P-521', 'RSA 1024'] satisfies (keyof typeof KINDS)[])
  test(`a request with a key of ${kind} is refused`, async () => {
    assert.match((await refusal((await newRequest('press-4', kind)).csr))!, /must be EC P-256/);
  });

for (const exponent of ['3', '340282366920938463463374607431768211457'])
  test(`a request with an RSA key whose exponent is ${exponent} is refused`, async t => {
    const { run } = await openssl(t);
    const args = `-new -newkey rsa:2048 -pkeyopt rsa_keygen_pubexp:${exponent} -nodes -keyout k.pem -subj /CN=press-4`;
    const { output } = await run('req', ...args.split(' '));
    assert.match((await refusal(/-----BEGIN CERT[\s\S]+REQUEST-----/.exec(output)![0]))!, /exponent/);
  });

test('a request that OpenSSL made is taken', async t => {
  const { run } = await openssl(t);
  const args = '-new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -subj /O=Somebody/CN=press-4';
  const { output } = await run('req', ...args.split(' '));
  const csr = /-----BEGIN CERT[\s\S]+REQUEST-----/.exec(output)![0];
  assert.equal(await refusal(csr), undefined);
});

test('the common name must be the id of the device, and there must be one only', async t => {
  const { csr } = await newRequest('press-5');
  assert.match((await refusal(csr))!, /common name/);
  const { run } = await openssl(t);
  const args = '-new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -subj /CN=press-4/CN=press-5';
  const { output } = await run('req', ...args.split(' '));
  assert.match((await refusal(/-----BEGIN CERT[\s\S]+REQUEST-----/.exec(output)![0]))!, /common name/);
});

test('a request that is not signed with its own key is refused', async () => {
  const { der } = await newRequest('press-4');
  const forged = Buffer.from(der);
  forged[forged.length - 3]! ^= 0x01;
  assert.match((await refusal(pemOf('CERTIFICATE REQUEST', forged)))!, /not signed/);
});

test('somebody else’s request with another name in it is refused', async () => {
  const { der } = await newRequest('press-4');
  const renamed = Buffer.from(der);
  renamed.write('press-5', renamed.indexOf('press-4'));
  assert.match((await refusal(pemOf('CERTIFICATE REQUEST', renamed), 'press-5'))!, /not signed/);
});

test('what is no request, and what is too long, is refused', async () => {
  const { csr } = await newRequest('press-4');
  assert.match((await refusal(''))!, /PEM/);
  assert.match((await refusal(`${csr}\n${csr}`))!, /PEM/);
  assert.match((await refusal(csr.replaceAll('REQUEST', 'THING')))!, /PEM/);
  assert.match((await refusal(csr, 'press-4', 100))!, /100 characters/);
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(300, 0x30),
    Buffer.alloc(9_000, 0xa0),
    Buffer.from('30820100', 'hex'),
  ])
    assert.match((await refusal(pemOf('CERTIFICATE REQUEST', bytes)))!, /PKCS #10|PEM/);
});

test('a request that was cut off anywhere is refused, and none with a changed byte brings another key in', async () => {
  const { csr, der } = await newRequest('press-4');
  const read = await readRequest(csr, 'press-4', MAX_BYTES);
  assert.ok('publicKey' in read);
  for (let at = 0; at < der.length; at++) {
    assert.notEqual(await refusal(pemOf('CERTIFICATE REQUEST', der.subarray(0, at))), undefined);
    const changed = Buffer.from(der);
    changed[at]! ^= 0x41;
    const other = await readRequest(pemOf('CERTIFICATE REQUEST', changed), 'press-4', MAX_BYTES);
    // A length around the whole that is wrong is not looked at, and does no harm.
    if ('publicKey' in other) assert.deepEqual(other.publicKey, read.publicKey, `byte ${at}`);
  }
});

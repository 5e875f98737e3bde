/** Certificates that an authority of ours signs: of devices, of provisioning batches, and of this server. */
import { X509Certificate as Parsed, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { type Authority, wholeSeconds } from './authority.ts';
import { newKeyPair, pemOf, privateKeyBytes, SIGNATURE } from './key-pairs.ts';
import { newSerialNumber } from './serial-numbers.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  type JsonNameParams,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './x509.ts';

export type Issued = {
  readonly pem: string;
  readonly serialNumber: string;
  /** SHA-256, lower-case hex. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
};
export type IssuedWithKey = Issued & { readonly privateKeyPem: string };

const DAY_MS = 86_400_000;
/** The clocks of those who look at it may be behind ours. */
const BACKDATED_MS = 5 * 60_000;

type Wanted = {
  readonly subject: JsonNameParams;
  readonly names: readonly JsonGeneralName[];
  readonly usage: ExtendedKeyUsage;
  /** As SPKI. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly days: number;
  readonly nowMs: number;
};

/** What a device's certificate says of it. */
export type DeviceName = { readonly tenant: string; readonly device: string };
type Validity = { readonly days: number; readonly nowMs: number };

export const issueForDevice = (
  authority: Authority,
  { tenant, device }: DeviceName,
  publicKey: Uint8Array<ArrayBuffer>,
  validity: Validity,
): Promise<Issued> =>
  issue(authority, {
    ...validity,
    subject: [{ O: [{ utf8String: tenant }] }, { CN: [{ utf8String: device }] }],
    names: [{ type: 'url', value: `urn:skein:${tenant}:${device}` }],
    usage: ExtendedKeyUsage.clientAuth,
    publicKey,
  });

/** With a key of ours, for a device that cannot make one. */
export const issueWithKey = (authority: Authority, name: DeviceName, validity: Validity): Promise<IssuedWithKey> =>
  withNewKey(publicKey => issueForDevice(authority, name, publicKey, validity));

/** What the certificate of a provisioning batch says of it. */
export type BatchName = { readonly tenant: string; readonly batch: string };

/** No device's says `OU`, and the common name is no device's that has this alternative name: so nobody takes it for one of a device. */
export const issueForBatch = (
  authority: Authority,
  { tenant, batch }: BatchName,
  publicKey: Uint8Array<ArrayBuffer>,
  validity: Validity,
): Promise<Issued> =>
  issue(authority, {
    ...validity,
    subject: [
      { O: [{ utf8String: tenant }] },
      { OU: [{ utf8String: 'provisioning batch' }] },
      { CN: [{ utf8String: batch }] },
    ],
    names: [{ type: 'url', value: `urn:skein:${tenant}:batch:${batch}` }],
    usage: ExtendedKeyUsage.clientAuth,
    publicKey,
  });

/** With a key of ours. */
export const issueForBatchWithKey = (
  authority: Authority,
  name: BatchName,
  validity: Validity,
): Promise<IssuedWithKey> => withNewKey(publicKey => issueForBatch(authority, name, publicKey, validity));

/** @param names host names and addresses, the first of which is its common name */
export const issueForServer = (
  authority: Authority,
  names: readonly [string, ...string[]],
  validity: Validity,
): Promise<IssuedWithKey> =>
  withNewKey(publicKey =>
    issue(authority, {
      ...validity,
      subject: [{ CN: [{ utf8String: names[0].slice(0, 64) }] }],
      names: names.map(value => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      usage: ExtendedKeyUsage.serverAuth,
      publicKey,
    }),
  );

async function withNewKey(use: (publicKey: Uint8Array<ArrayBuffer>) => Promise<Issued>): Promise<IssuedWithKey> {
  const keys = await newKeyPair();
  const publicKey = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  return { ...(await use(publicKey)), privateKeyPem: pemOf('PRIVATE KEY', await privateKeyBytes(keys)) };
}

/** Never good for longer than the authority itself. */
async function issue({ certificate: issuer, signingKey }: Authority, wanted: Wanted): Promise<Issued> {
  const { subject, names, usage, publicKey, days, nowMs } = wanted;
  const serialNumber = newSerialNumber();
  const notBefore = wholeSeconds(Math.max(nowMs - BACKDATED_MS, issuer.notBefore.getTime()));
  const notAfter = wholeSeconds(Math.min(nowMs + days * DAY_MS, issuer.notAfter.getTime()));
  const made = await X509CertificateGenerator.create({
    serialNumber,
    subject: new Name(subject),
    issuer: issuer.subjectName,
    notBefore,
    notAfter,
    publicKey,
    signingKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      new SubjectAlternativeNameExtension([...names]),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  const { fingerprint256 } = new Parsed(Buffer.from(made.rawData));
  return {
    pem: `${made.toString('pem')}\n`,
    serialNumber,
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore,
    notAfter,
  };
}

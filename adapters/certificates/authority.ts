/** An authority of our own: a key, and a certificate that it signed for itself. RFC 5280. */
import type { webcrypto } from 'node:crypto';
import { type KeyPair, newKeyPair, privateKeyBytes, SIGNATURE } from './key-pairs.ts';
import { newSerialNumber } from './serial-numbers.ts';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

/** One that can sign. */
export type Authority = {
  readonly id: number;
  readonly certificate: X509Certificate;
  readonly signingKey: webcrypto.CryptoKey;
};
export type NewAuthority = { readonly pem: string; readonly privateKey: Uint8Array; readonly notAfter: Date };

export const AUTHORITY_YEARS = 10;

/** Each has a name of its own, so that nobody takes one for another one. */
export async function newAuthority(nowMs: number): Promise<NewAuthority> {
  const keys: KeyPair = await newKeyPair();
  const serialNumber = newSerialNumber();
  const notBefore = wholeSeconds(nowMs);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + AUTHORITY_YEARS);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: new Name([
      { O: [{ utf8String: 'Skein' }] },
      { CN: [{ utf8String: `Skein devices ${serialNumber.slice(0, 8)}` }] },
    ]),
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { pem: `${certificate.toString('pem')}\n`, privateKey: await privateKeyBytes(keys), notAfter };
}

export const certificateOf = (pem: string): X509Certificate => new X509Certificate(pem);

/** Certificates have no parts of seconds. */
export const wholeSeconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);

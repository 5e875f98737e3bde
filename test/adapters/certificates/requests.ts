/** Certificate signing requests, and keys, as devices make them. */
import { webcrypto } from 'node:crypto';
import { pemOf } from '../../../adapters/certificates/key-pairs.ts';
import { Name, Pkcs10CertificateRequestGenerator } from '../../../adapters/certificates/x509.ts';

export const KINDS = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'P-521': { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  Ed25519: { name: 'Ed25519' },
  'RSA 1024': rsa(1024),
  'RSA 2048': rsa(2048),
} as const;

function rsa(modulusLength: number) {
  return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength };
}

export type Request = { readonly csr: string; readonly key: string; readonly der: Uint8Array };

export async function newRequest(commonName: string, kind: keyof typeof KINDS = 'P-256'): Promise<Request> {
  const algorithm = KINDS[kind] as EcKeyGenParams & RsaHashedKeyGenParams & EcdsaParams;
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: new Name([{ CN: [{ utf8String: commonName }] }]),
    keys,
    signingAlgorithm: algorithm,
  });
  const pkcs8 = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { csr: request.toString('pem'), key: pemOf('PRIVATE KEY', pkcs8), der: new Uint8Array(request.rawData) };
}

type EcKeyGenParams = webcrypto.EcKeyGenParams;
type RsaHashedKeyGenParams = webcrypto.RsaHashedKeyGenParams;
type EcdsaParams = webcrypto.EcdsaParams;

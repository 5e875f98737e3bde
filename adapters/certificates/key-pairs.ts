/** Keys on P-256, which every TLS library of small devices knows. */
import { webcrypto } from 'node:crypto';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
export const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

export type KeyPair = webcrypto.CryptoKeyPair;

/** A new one, whose private key can be read once with `privateKeyBytes`. */
export const newKeyPair = (): Promise<KeyPair> => webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);

/** PKCS #8. */
export const privateKeyBytes = async ({ privateKey }: KeyPair): Promise<Uint8Array> =>
  new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', privateKey));

/** A key that signs, and that cannot be read any more. */
export const signingKeyOf = (pkcs8: Uint8Array<ArrayBuffer>): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', pkcs8, CURVE, false, ['sign']);

/** RFC 7468. */
export function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** A certificate signing request (PKCS #10, RFC 2986) of a device, or of a provisioning batch. Of all that it says only its key is used. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Pkcs10CertificateRequest } from './x509.ts';

/** `refused`: what is wrong with it, for the one who sent it. */
export type ReadRequest = { readonly publicKey: Uint8Array<ArrayBuffer> } | { readonly refused: string };

const RSA_MIN_BITS = 2_048;
/** To check a longer one costs too much. */
const RSA_MAX_BITS = 8_192;
/** Smaller ones are weak, and larger ones cost too much too (NIST SP 800-56B, section 6.2, and what OpenSSL takes of long keys). */
const RSA_MIN_EXPONENT = 65_537n;
const RSA_MAX_EXPONENT = 2n ** 64n;
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384' };
const PEM =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----[A-Za-z0-9+/=\s]+-----END (NEW )?CERTIFICATE REQUEST-----\s*$/;

/** @param id of the device, or of what `holder` says, which must be the common name */
export async function readRequest(
  pem: string,
  id: string,
  maxBytes: number,
  holder: 'device' | 'batch' = 'device',
): Promise<ReadRequest> {
  if (pem.length > maxBytes) return { refused: `csr has more than ${maxBytes} characters` };
  if (!PEM.test(pem)) return { refused: 'csr must be one CERTIFICATE REQUEST in PEM' };
  const request = parsed(pem);
  if (request === undefined) return { refused: 'csr is not a PKCS #10 certificate signing request' };
  const names = request.subjectName.getField('CN');
  if (names.length !== 1 || names[0] !== id)
    return { refused: `The common name (CN) of csr must be the id of the ${holder}` };
  const publicKey = new Uint8Array(request.publicKey.rawData);
  const wrong = wrongKey(publicKey);
  if (wrong !== undefined) return { refused: wrong };
  // It shows that who asks has the private key, too.
  const isSigned = await request.verify().catch(() => false);
  return isSigned ? { publicKey } : { refused: 'csr is not signed with the key that is in it' };
}

function parsed(pem: string): Pkcs10CertificateRequest | undefined {
  try {
    const request = new Pkcs10CertificateRequest(pem);
    // Parts are read when they are asked for.
    return request.subjectName && request.publicKey ? request : undefined;
  } catch {
    return undefined;
  }
}

function wrongKey(publicKey: Uint8Array): string | undefined {
  const wanted =
    'The key of csr must be EC P-256 or P-384, Ed25519, or RSA with 2048 to 8192 bits and an exponent from 65537';
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  } catch {
    return wanted;
  }
  const { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const isGood =
    key.asymmetricKeyType === 'ed25519' ||
    (key.asymmetricKeyType === 'ec' && Object.hasOwn(CURVES, namedCurve)) ||
    (key.asymmetricKeyType === 'rsa' &&
      modulusLength >= RSA_MIN_BITS &&
      modulusLength <= RSA_MAX_BITS &&
      publicExponent >= RSA_MIN_EXPONENT &&
      publicExponent < RSA_MAX_EXPONENT);
  return isGood ? undefined : wanted;
}

/**
 * The list of what an authority revoked (CRL, RFC 5280, section 5). Written here and not by the library, whose generator compares each entry
 * with all that are in the list already: 20,000 of them take it a minute, in which this process does nothing else.
 */
import { webcrypto } from 'node:crypto';
import type { Authority } from './authority.ts';
import { bits, enumerated, integer, objectIdentifier, octets, sequence, tagged, time } from './der.ts';
import { SIGNATURE } from './key-pairs.ts';
import { AuthorityKeyIdentifierExtension } from './x509.ts';

/** RFC 5280, section 5.3.1: those that make sense for certificates of devices. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;
export type RevocationReason = keyof typeof REVOCATION_REASONS;

export type RevokedCertificate = {
  readonly serialNumber: string;
  readonly revokedAt: Date;
  readonly reason: string | null;
};
export type RevocationListTimes = { readonly number: number; readonly thisUpdate: Date; readonly nextUpdate: Date };

const VERSION_2 = integer('01');
/** 1.2.840.10045.4.3.2: ECDSA with SHA-256. */
const ECDSA_WITH_SHA256 = sequence(objectIdentifier([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
/** 2.5.29.20 and 2.5.29.21. */
const CRL_NUMBER = objectIdentifier([0x55, 0x1d, 0x14]);
const REASON_CODE = objectIdentifier([0x55, 0x1d, 0x15]);
const EXPLICIT_0 = 0xa0;

/** As DER. */
export async function revocationList(
  { certificate, signingKey }: Authority,
  revoked: readonly RevokedCertificate[],
  { number, thisUpdate, nextUpdate }: RevocationListTimes,
): Promise<Uint8Array> {
  const keyIdentifier = await AuthorityKeyIdentifierExtension.create(certificate.publicKey);
  const extensions = [
    new Uint8Array(keyIdentifier.rawData),
    sequence(CRL_NUMBER, octets(integer(number.toString(16)))),
  ];
  const list = sequence(
    VERSION_2,
    ECDSA_WITH_SHA256,
    new Uint8Array(certificate.subjectName.toArrayBuffer()),
    time(thisUpdate),
    time(nextUpdate),
    // An empty list is left out.
    ...(revoked.length === 0 ? [] : [sequence(...revoked.map(entry))]),
    tagged(EXPLICIT_0, sequence(...extensions)),
  );
  const signature = Buffer.from(await webcrypto.subtle.sign(SIGNATURE, signingKey, list));
  return sequence(list, ECDSA_WITH_SHA256, bits(asSequence(signature)));
}

function entry({ serialNumber, revokedAt, reason }: RevokedCertificate): Buffer {
  const code = REVOCATION_REASONS[reason as RevocationReason] ?? REVOCATION_REASONS.unspecified;
  // Section 5.3.1: `unspecified` should be left out.
  const extensions = code === 0 ? [] : [sequence(sequence(REASON_CODE, octets(enumerated(code))))];
  return sequence(integer(serialNumber), time(revokedAt), ...extensions);
}

/** WebCrypto writes both numbers of the signature one behind the other; X.509 wants a sequence of them (RFC 3279, section 2.2.3). */
function asSequence(signature: Buffer): Buffer {
  const half = signature.length / 2;
  return sequence(positive(signature.subarray(0, half)), positive(signature.subarray(half)));
}

/** Without the zeros before it. */
const positive = (bytes: Buffer): Buffer => integer(BigInt(`0x${bytes.toString('hex')}`).toString(16));

/**
 * Claim codes: 16 characters of Crockford's base32 (https://www.crockford.com/base32.html), which has none that look alike, in groups of four:
 * `7K3M-Q9XW-2DTP-H8VA`. They have 80 random bits, so only their SHA-256 is stored.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Transaction } from '../../adapters/database/database.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHARACTERS = 16;
const GROUP = 4;

export type ClaimCode = { readonly text: string; readonly hash: Uint8Array; readonly expiresAt: Date };

export function newClaimText(random: (bytes: number) => Uint8Array = randomBytes): string {
  // 32 divides 256, so that each character is as likely as any other.
  const characters = [...random(CHARACTERS)].map(it => ALPHABET[it % ALPHABET.length]!).join('');
  return characters.match(new RegExp(`.{${GROUP}}`, 'g'))!.join('-');
}

/** As a person may type it: in small letters, without hyphens, with an O for a 0. Undefined: no code looks like this. */
export function claimHash(typed: string): Uint8Array | undefined {
  const code = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  if (code.length !== CHARACTERS || [...code].some(it => !ALPHABET.includes(it))) return undefined;
  return createHash('sha256').update(code).digest();
}

/** In place of the one that the device had. */
export async function giveClaimCode(
  tx: Pick<Transaction, 'query'>,
  deviceUid: number,
  ttlSeconds: number,
): Promise<ClaimCode> {
  const text = newClaimText();
  const hash = claimHash(text)!;
  const [row] = await tx.query<{ claim_expires_at: Date }>(
    `UPDATE device SET claim_hash = $2, claim_expires_at = now() + make_interval(secs => $3) WHERE device_uid = $1
     RETURNING claim_expires_at`,
    [deviceUid, hash, ttlSeconds],
  );
  return { text, hash, expiresAt: row!.claim_expires_at };
}

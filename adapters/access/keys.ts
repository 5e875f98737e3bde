/**
 * API keys: `skd_<id>_<secret>` for a device, `ska_<id>_<secret>` for an application. The id finds the row; of the secret
 * only the SHA-256 is stored. A secret has 256 random bits, so a slow hash would protect nothing that a fast one doesn't.
 * Both parts are base62, so that `_` parts them and a double click selects the whole key.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type KeyKind = 'device' | 'application';
export type Key = { readonly kind: KeyKind; readonly id: string; readonly secret: string };
export type NewKey = Key & { readonly text: string; readonly hash: Uint8Array };

const PREFIX = { device: 'skd', application: 'ska' } as const;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 96 bits: two keys never share an id. */
const ID_BYTES = 12;
const SECRET_BYTES = 32;
const SHAPE = /^sk([da])_([0-9A-Za-z]{12,24})_([0-9A-Za-z]{43})$/;

/** A new key. `text` is shown once; `id` and `hash` are what is stored. */
export function newKey(kind: KeyKind, random: (bytes: number) => Uint8Array = randomBytes): NewKey {
  const id = base62(random(ID_BYTES));
  const secret = base62(random(SECRET_BYTES));
  return { kind, id, secret, text: `${PREFIX[kind]}_${id}_${secret}`, hash: secretHash(secret) };
}

/** The parts of a key, or undefined when the text can't be one. */
export function parseKey(text: string): Key | undefined {
  const [, kind, id, secret] = SHAPE.exec(text) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  return { kind: kind === 'd' ? 'device' : 'application', id, secret };
}

export const secretHash = (secret: string): Uint8Array => createHash('sha256').update(secret).digest();

const NOBODY = secretHash('');
/** Compares in constant time. Without a stored hash it does the same work and answers false. */
export function secretMatches(secret: string, stored: Uint8Array | undefined): boolean {
  const equal = timingSafeEqual(secretHash(secret), stored?.length === NOBODY.length ? stored : NOBODY);
  return equal && stored !== undefined;
}

/** Big-endian base62 of fixed length for a number of bytes: 12 bytes give 17 characters, 32 bytes give 43. */
function base62(bytes: Uint8Array): string {
  const length = Math.ceil((bytes.length * 8) / Math.log2(62));
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (let i = 0; i < length; i++) {
    text = ALPHABET[Number(rest % 62n)] + text;
    rest /= 62n;
  }
  return text;
}

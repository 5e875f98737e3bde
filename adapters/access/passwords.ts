/**
 * Passwords: scrypt, stored as a PHC string (https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md). The parameters are one of
 * the equal choices of OWASP's Password Storage Cheat Sheet; this one takes 32 MiB, so that some at once fit into a small machine.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { SkeinError } from '../../contracts/errors.ts';
import { LIMITS, type Limits } from '../../contracts/limits.ts';

type Parameters = { readonly ln: number; readonly r: number; readonly p: number };
type Parsed = Parameters & { readonly salt: Buffer; readonly hash: Buffer };

const NOW: Parameters = { ln: 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a stored hash may ask for: the database is not trusted to keep the process busy for minutes. */
const MOST: Parameters = { ln: 18, r: 16, p: 16 };
const SHAPE = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

type PasswordLimits = Pick<Limits, 'passwordHashesUnderWay' | 'passwordHashesWaiting'>;

/** A process has one processor and one memory, so all of it shares these places. */
let limits: PasswordLimits = LIMITS;
let underWay = 0;
const waiting: (() => void)[] = [];
/** Of whom they are, as far as that was said. */
const places = new Map<string, number>();

/** How many are computed at once, and how many wait: for the whole process. */
export function limitPasswords(given: PasswordLimits): void {
  limits = given;
}

/** The PHC string of a new password. Rejects with `overloaded`. `whose`: one of them gets at most half of the places. */
export async function hashPassword(text: string, whose?: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await inTurn(() => derive(text, { ...NOW, salt, hash: Buffer.alloc(HASH_BYTES) }), whose);
  return phc(NOW, salt, hash);
}

/**
 * Whether this is the password. Without a stored hash (null: the user has none, or there is no such user) it does the same work and answers
 * false. Rejects with `overloaded`. `whose`: as above.
 */
export async function passwordMatches(text: string, stored: string | null, whose?: string): Promise<boolean> {
  const parsed = stored === null ? undefined : parse(stored);
  const { hash, ...rest } = parsed ?? NOBODY;
  const derived = await inTurn(() => derive(text, { ...rest, hash }), whose);
  const equal = timingSafeEqual(derived, hash);
  return equal && parsed !== undefined;
}

/** It was made with other parameters than those of today, so it should be replaced when the password is known again. */
export function isOldHash(stored: string): boolean {
  const parsed = parse(stored);
  return parsed?.ln !== NOW.ln || parsed.r !== NOW.r || parsed.p !== NOW.p;
}

const NOBODY: Parsed = { ...NOW, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };

function parse(stored: string): Parsed | undefined {
  const [, ln, r, p, salt, hash] = SHAPE.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const asked = { ln: Number(ln), r: Number(r), p: Number(p) };
  const isBearable = (['ln', 'r', 'p'] as const).every(name => asked[name] >= 1 && asked[name] <= MOST[name]);
  return isBearable ? { ...asked, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') } : undefined;
}

const phc = ({ ln, r, p }: Parameters, salt: Uint8Array, hash: Uint8Array): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${withoutPadding(salt)}$${withoutPadding(hash)}`;
const withoutPadding = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

/** On a thread of Node's pool. The same character typed in two ways is the same password: RFC 8265, section 4.2. */
function derive(text: string, { ln, r, p, salt, hash }: Parsed): Promise<Buffer> {
  const N = 2 ** ln;
  // It takes 128 * N * r bytes, and a little for its p blocks.
  const options = { N, r, p, maxmem: 128 * r * (N + p + 2) + 1024 * 1024 };
  return new Promise((resolve, reject) =>
    scrypt(text.normalize('NFC'), salt, hash.length, options, (error, key) => (error ? reject(error) : resolve(key))),
  );
}

async function inTurn<T>(work: () => Promise<T>, whose: string | undefined): Promise<T> {
  if (whose === undefined) return whenThereIsPlace(work);
  const taken = places.get(whose) ?? 0;
  const most = Math.ceil((limits.passwordHashesUnderWay + limits.passwordHashesWaiting) / 2);
  if (taken >= most)
    throw new SkeinError('overloaded', `${most} of your passwords are being checked, and no more at once`);
  places.set(whose, taken + 1);
  try {
    return await whenThereIsPlace(work);
  } finally {
    const left = places.get(whose)! - 1;
    if (left === 0) places.delete(whose);
    else places.set(whose, left);
  }
}

async function whenThereIsPlace<T>(work: () => Promise<T>): Promise<T> {
  if (underWay >= limits.passwordHashesUnderWay) {
    if (waiting.length >= limits.passwordHashesWaiting)
      throw new SkeinError('overloaded', 'Too many passwords are being checked');
    // Whoever ends gives its place on.
    await new Promise<void>(resolve => waiting.push(resolve));
  } else underWay++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) underWay--;
    else next();
  }
}

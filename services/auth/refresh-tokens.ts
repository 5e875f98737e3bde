/**
 * Refresh tokens: `skr_<login>_<generation>_<family><secret>`. The family is the same for the whole login, the secret for one generation only. So an
 * older token that comes back is known to have been one of ours, and nobody ends a login who only knows its id.
 */
import { randomBytes } from 'node:crypto';
import { secretHash, secretMatches } from '../../adapters/access/keys.ts';

export type RefreshToken = {
  readonly loginId: string;
  readonly generation: number;
  readonly family: string;
  readonly secret: string;
};
export type RefreshHashes = { readonly family_hash: Uint8Array; readonly refresh_hash: Uint8Array };

/** 128 and 256 bits. */
const FAMILY_BYTES = 16;
const SECRET_BYTES = 32;
const SHAPE = /^skr_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([1-9]\d{0,8})_([\w-]{22})([\w-]{43})$/;

/** The first of a login, or the next of one. */
export function newRefreshToken(loginId: string, generation = 1, family = random(FAMILY_BYTES)): RefreshToken {
  return { loginId, generation, family, secret: random(SECRET_BYTES) };
}

export const textOf = ({ loginId, generation, family, secret }: RefreshToken): string =>
  `skr_${loginId}_${generation}_${family}${secret}`;

export function parseRefreshToken(text: string): RefreshToken | undefined {
  const [, loginId, generation, family, secret] = SHAPE.exec(text) ?? [];
  if (loginId === undefined || family === undefined || secret === undefined) return undefined;
  return { loginId, generation: Number(generation), family, secret };
}

export const hashesOf = ({ family, secret }: RefreshToken): RefreshHashes => ({
  family_hash: secretHash(family),
  refresh_hash: secretHash(secret),
});

/** `good`: the only one. `old`: it was good once. `wrong`: it never was. */
export function judge(
  token: RefreshToken,
  row: RefreshHashes & { readonly generation: number },
): 'good' | 'old' | 'wrong' {
  const isOfFamily = secretMatches(token.family, row.family_hash);
  const isNewest = secretMatches(token.secret, row.refresh_hash);
  if (!isOfFamily || token.generation > row.generation) return 'wrong';
  if (token.generation < row.generation) return 'old';
  return isNewest ? 'good' : 'wrong';
}

const random = (bytes: number): string => randomBytes(bytes).toString('base64url');

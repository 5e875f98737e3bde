/** Tokens that we sign ourselves: JWTs with ES256. RFC 7519, RFC 8725 (best current practices), RFC 9068 (access tokens). */
import jwt from 'jsonwebtoken';
import type { Limits } from '../../contracts/limits.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { PublicKeys } from './signing-keys-public.ts';

export type TokenType = 'access' | 'device';
/** What the header says, so that a token of one type is never taken for another: RFC 8725, section 3.11. */
const HEADER_TYPE = { access: 'at+jwt', device: 'device+jwt' } as const satisfies Record<TokenType, string>;
const AUDIENCE = 'skein';
/** Longer is none of ours. */
const TOKEN_MAX_LENGTH = 8_192;
const KID_MAX_LENGTH = 64;
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What the signer is told. `tenant` is its slug, `jti` the id of this one token. */
export type TokenClaims = { readonly jti: string; readonly tenant: string; readonly [more: string]: unknown };
export type VerifiedClaims = TokenClaims & {
  readonly iss: string;
  readonly sub: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly exp: number;
};

/** Who issues: under which others reach this system, or its name when that was not said. */
export const issuerOf = ({ publicUrl }: { readonly publicUrl: string | undefined }): string => publicUrl ?? 'skein';

export class TokenSigner {
  readonly #keys: SigningKeys;
  readonly #issuer: string;

  constructor(keys: SigningKeys, issuer: string) {
    this.#keys = keys;
    this.#issuer = issuer;
  }

  /** The text of a token that ends after so many seconds. */
  async sign(
    claims: TokenClaims,
    { typ, subject, ttlSeconds }: { readonly typ: TokenType; readonly subject: string; readonly ttlSeconds: number },
  ): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const exp = iat + ttlSeconds;
    const { kid, privateKey } = await this.#keys.forToken(exp * 1000);
    const payload = { ...claims, iss: this.#issuer, sub: subject, aud: AUDIENCE, iat, nbf: iat, exp };
    return jwt.sign(payload, privateKey, {
      algorithm: 'ES256',
      keyid: kid,
      header: { alg: 'ES256', typ: HEADER_TYPE[typ] },
    });
  }
}

type VerifierLimits = Pick<Limits, 'accessTokenMinutes' | 'clockMaxSkewSeconds'>;

export class TokenVerifier {
  readonly #keys: PublicKeys;
  readonly #issuer: string;
  readonly #limits: VerifierLimits;

  constructor(keys: PublicKeys, issuer: string, limits: VerifierLimits) {
    this.#keys = keys;
    this.#issuer = issuer;
    this.#limits = limits;
  }

  /** Which type of ours it says to be; undefined: none. Nothing of it is checked. */
  typeOf(text: string): TokenType | undefined {
    const header = headerOf(text);
    if (header === undefined) return undefined;
    return (Object.keys(HEADER_TYPE) as TokenType[]).find(it => HEADER_TYPE[it] === header.typ);
  }

  /** What a token of this type says; undefined: it is not good, for whatever reason. */
  async verify(text: string, typ: TokenType): Promise<VerifiedClaims | undefined> {
    const header = headerOf(text);
    if (header === undefined || header.typ !== HEADER_TYPE[typ] || header.alg !== 'ES256') return undefined;
    // RFC 7515, section 4.1.11: an extension that must be understood, and none is. `jwk`, `jku` and `x5u` are not even looked at.
    if ('crit' in header || typeof header.kid !== 'string' || header.kid.length > KID_MAX_LENGTH) return undefined;
    const key = await this.#keys.find(header.kid);
    if (key === undefined) return undefined;
    try {
      return claimsOf(
        jwt.verify(text, key, {
          algorithms: ['ES256'],
          issuer: this.#issuer,
          audience: AUDIENCE,
          clockTolerance: this.#limits.clockMaxSkewSeconds,
          ...(typ === 'access' && { maxAge: this.#limits.accessTokenMinutes * 60 }),
        }),
      );
    } catch {
      return undefined;
    }
  }
}

/** A header of a token, before anybody knows whether it is genuine. */
export function headerOf(text: string): Readonly<Record<string, unknown>> | undefined {
  return text.length <= TOKEN_MAX_LENGTH && SHAPE.test(text) ? objectIn(text.slice(0, text.indexOf('.'))) : undefined;
}

/** The same of what it says. */
export function payloadOf(text: string): Readonly<Record<string, unknown>> | undefined {
  return text.length <= TOKEN_MAX_LENGTH && SHAPE.test(text) ? objectIn(text.split('.')[1]!) : undefined;
}

function objectIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The library takes a token without an end for one that never ends. */
function claimsOf(payload: unknown): VerifiedClaims | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { sub, jti, tenant, iat, nbf, exp } = payload as Record<string, unknown>;
  const isWhole = [sub, jti, tenant].every(it => typeof it === 'string') && [iat, nbf, exp].every(Number.isFinite);
  return isWhole ? (payload as VerifiedClaims) : undefined;
}

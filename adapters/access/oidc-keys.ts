/**
 * The public keys of an OpenID Connect issuer, found by its discovery document (OpenID Connect Discovery 1.0). What was read is used for a while, and
 * longer when the issuer is away; a key that is not known is looked for again, but not each time.
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Limits } from '../../contracts/limits.ts';

export type IssuerKey = { readonly key: KeyObject; readonly algorithms: readonly Algorithm[] };
export type Algorithm = 'RS256' | 'PS256' | 'ES256';
type OidcLimits = Pick<Limits, 'oidcTimeoutMs' | 'oidcKeysMinutes' | 'oidcRetrySeconds'>;
type Clock = { now(): number };
type Read = { readonly keys: ReadonlyMap<string, IssuerKey>; readonly atMs: number };

/** Of either document: some dozen keys. */
const DOCUMENT_MAX_BYTES = 256 * 1024;
const KEYS_MAX = 100;
/** How many times as long as usual keys are taken while the issuer is away: a day, with what is usual. */
const STALE_FACTOR = 24;
/** RFC 7518, section 3.3. */
const RSA_MIN_BITS = 2048;

/** It could not be found out whether there is such a key. */
export class IssuerAway extends Error {}

export class OidcKeys {
  readonly #issuer: string;
  readonly #limits: OidcLimits;
  readonly #clock: Clock;
  #read: Read | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #trying: Promise<void> | undefined;

  /** `clock`: monotonic, in milliseconds. */
  constructor(issuer: string, limits: OidcLimits, clock: Clock = performance) {
    this.#issuer = issuer;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Undefined: the issuer has no such key. Rejects with IssuerAway when none of its keys are known. */
  async find(kid: string): Promise<IssuerKey | undefined> {
    const known = this.#usable()?.keys.get(kid);
    if (known !== undefined) {
      // Nobody has to wait for what is good enough.
      if (this.#ageMs() > this.#limits.oidcKeysMinutes * 60_000) void this.#try();
      return known;
    }
    await this.#try();
    const read = this.#usable();
    if (read === undefined) throw new IssuerAway(`No keys could be read from ${this.#issuer}`);
    return read.keys.get(kid);
  }

  #ageMs(): number {
    return this.#clock.now() - (this.#read?.atMs ?? Number.NEGATIVE_INFINITY);
  }

  #usable(): Read | undefined {
    return this.#ageMs() <= STALE_FACTOR * this.#limits.oidcKeysMinutes * 60_000 ? this.#read : undefined;
  }

  /** At most once in a while, whether it succeeds or not. */
  async #try(): Promise<void> {
    if (this.#trying === undefined) {
      if (this.#clock.now() - this.#triedAtMs < this.#limits.oidcRetrySeconds * 1000) return;
      this.#triedAtMs = this.#clock.now();
      this.#trying = this.#load()
        .catch(() => {})
        .finally(() => {
          this.#trying = undefined;
        });
    }
    await this.#trying;
  }

  async #load(): Promise<void> {
    const signal = AbortSignal.timeout(this.#limits.oidcTimeoutMs);
    const about = await documentAt(`${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
    // Section 4.3: else one issuer could speak for another.
    if (about.issuer !== this.#issuer) throw new Error('The document is of another issuer');
    const { keys } = await documentAt(this.#safe(String(about.jwks_uri)), signal);
    if (!Array.isArray(keys)) throw new Error('The issuer has no keys');
    this.#read = { keys: new Map(keys.slice(0, KEYS_MAX).flatMap(known)), atMs: this.#clock.now() };
  }

  /** Keys that come unprotected could be anybody's, unless the issuer itself is unprotected. */
  #safe(url: string): string {
    if (!this.#issuer.startsWith('http:') && !url.startsWith('https:')) throw new Error('The keys are not at https');
    return url;
  }
}

async function documentAt(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok || response.body === null) throw new Error(`The issuer answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > DOCUMENT_MAX_BYTES) throw new Error('The issuer answered too much');
    chunks.push(chunk);
  }
  const document: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (typeof document !== 'object' || document === null) throw new Error('The issuer answered no object');
  return document as Record<string, unknown>;
}

/** A key for signatures of a kind that we take, by its id; nothing for any other. */
function known(jwk: unknown): [string, IssuerKey][] {
  const { kid, kty, use, alg } = (jwk ?? {}) as Record<string, unknown>;
  if (typeof kid !== 'string' || (use !== undefined && use !== 'sig')) return [];
  const fitting: readonly Algorithm[] = kty === 'RSA' ? ['RS256', 'PS256'] : kty === 'EC' ? ['ES256'] : [];
  const algorithms = fitting.filter(it => alg === undefined || it === alg);
  if (algorithms.length === 0) return [];
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    return isStrong(key) ? [[kid, { key, algorithms }]] : [];
  } catch {
    return [];
  }
}

const isStrong = ({ asymmetricKeyDetails: details }: KeyObject): boolean =>
  details?.namedCurve === 'prime256v1' || (details?.modulusLength ?? 0) >= RSA_MIN_BITS;

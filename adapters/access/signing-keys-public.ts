/** The public half of the keys that sign our tokens: what it takes to verify one. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Limits } from '../../contracts/limits.ts';
import type { Database } from '../database/database.ts';

/** As others get it: RFC 7517. */
export type PublicJwk = {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'ES256';
};
type PublicKeyLimits = Pick<Limits, 'signingKeyReadSeconds' | 'signingKeyMissSeconds'>;
type Clock = { now(): number };

/** The key that signs now, those that will, and those whose tokens have not all ended. */
export const GOOD_KEYS = `
  (coalesce(retires_at > now(), false) OR signs_from >= (SELECT max(signs_from) FROM signing_key WHERE signs_from <= now()))`;

export class PublicKeys {
  readonly #database: Pick<Database, 'query'>;
  readonly #limits: PublicKeyLimits;
  readonly #clock: Clock;
  #jwks: readonly PublicJwk[] = [];
  #keys: ReadonlyMap<string, KeyObject> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  /** `clock`: monotonic, in milliseconds. */
  constructor(database: Pick<Database, 'query'>, limits: PublicKeyLimits, clock: Clock = performance) {
    this.#database = database;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Undefined: there is none, or none any more. One that nobody knows costs a look at the database once in a few seconds, not each time. */
  async find(kid: string): Promise<KeyObject | undefined> {
    const { signingKeyReadSeconds, signingKeyMissSeconds } = this.#limits;
    await this.#readWhenOlderThan(signingKeyReadSeconds);
    if (!this.#keys.has(kid)) await this.#readWhenOlderThan(signingKeyMissSeconds);
    return this.#keys.get(kid);
  }

  async all(): Promise<readonly PublicJwk[]> {
    await this.#readWhenOlderThan(this.#limits.signingKeyMissSeconds);
    return this.#jwks;
  }

  async #readWhenOlderThan(seconds: number): Promise<void> {
    if (this.#clock.now() - this.#readAtMs < seconds * 1000) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const startedAtMs = this.#clock.now();
    const rows = await this.#database.query<{ public_jwk: PublicJwk }>(
      `SELECT public_jwk FROM signing_key WHERE ${GOOD_KEYS} ORDER BY signs_from, kid`,
    );
    this.#jwks = rows.map(it => it.public_jwk);
    this.#keys = new Map(this.#jwks.map(it => [it.kid, keyOf(it)]));
    this.#readAtMs = startedAtMs;
  }
}

const keyOf = (jwk: PublicJwk): KeyObject => createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });

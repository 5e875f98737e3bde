/**
 * The keys that sign our tokens (ES256), sealed in the database. The newest one that may sign already does. A new one waits until every node has
 * had the time to read it; an old one verifies until the last of its tokens has ended, which `retires_at` says.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Limits } from '../../contracts/limits.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import type { Database, Transaction } from '../database/database.ts';
import { GOOD_KEYS, type PublicJwk } from './signing-keys-public.ts';

export type SigningKey = { readonly kid: string; readonly privateKey: KeyObject };
export type NewSigningKey = { readonly kid: string; readonly signsFrom: Date };
type KeyLimits = Pick<Limits, 'signingKeyDays' | 'signingKeyLeadSeconds' | 'signingKeyReadSeconds'>;
type Parts = { readonly database: Database; readonly sealer: Sealer; readonly limits: KeyLimits };
type Known = SigningKey & { readonly signsFromMs: number; retiresAtMs: number };
type Row = { kid: string; private_key: Uint8Array; signs_from: Date; retires_at: Date | null };
type Clock = { now(): number };

/** `retires_at` moves in steps of this: else each token would be a write. */
const STEP_MS = 24 * 3_600_000;

const REMOVE_RETIRED = `
  DELETE FROM signing_key WHERE NOT ${GOOD_KEYS} AND coalesce(retires_at, signs_from) < now() - interval '1 day'`;

export class SigningKeys {
  readonly #parts: Parts;
  readonly #clock: Clock;
  #keys: readonly Known[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  /** `clock` counts since 1970. */
  constructor(parts: Parts, clock: Clock = Date) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** The key that signs now, for a token that ends then: it will verify for at least so long. */
  async forToken(expiresAtMs: number): Promise<SigningKey> {
    const key = await this.#current();
    if (key.retiresAtMs >= expiresAtMs) return key;
    const rows = await this.#parts.database.query<{ retires_at: Date }>(
      'UPDATE signing_key SET retires_at = greatest(retires_at, $2) WHERE kid = $1 RETURNING retires_at',
      [key.kid, new Date(expiresAtMs + STEP_MS)],
    );
    // It was taken away meanwhile.
    if (rows.length === 0) return this.#again(expiresAtMs);
    key.retiresAtMs = rows[0]!.retires_at.getTime();
    return key;
  }

  /** Makes the first key, and a new one when the newest has served its time. Nodes that do it at once make one. */
  async ensure(): Promise<NewSigningKey | undefined> {
    const made = await this.#parts.database.transaction(async tx => {
      await tx.query('LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE');
      const [newest] = await tx.query<{ is_old: boolean }>(
        `SELECT created_at < now() - make_interval(days => $1) AS is_old FROM signing_key ORDER BY created_at DESC LIMIT 1`,
        [this.#parts.limits.signingKeyDays],
      );
      await tx.query(REMOVE_RETIRED);
      if (newest?.is_old === false) return undefined;
      return this.#insert(tx, newest === undefined ? 0 : this.#parts.limits.signingKeyLeadSeconds);
    });
    if (made !== undefined) this.forget();
    return made;
  }

  /**
   * A new key, in the caller's transaction. One that waits already is not made again.
   *
   * @param endsOthers it signs at once, and nothing that others signed is good any more
   */
  async rotate(tx: Transaction, endsOthers: boolean): Promise<NewSigningKey> {
    await tx.query('LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE');
    this.forget();
    if (endsOthers) {
      await tx.query('DELETE FROM signing_key');
      return this.#insert(tx, 0);
    }
    const [next] = await tx.query<Row>('SELECT kid, signs_from FROM signing_key WHERE signs_from > now()');
    if (next !== undefined) return { kid: next.kid, signsFrom: next.signs_from };
    return this.#insert(tx, this.#parts.limits.signingKeyLeadSeconds);
  }

  async #insert(tx: Transaction, leadSeconds: number): Promise<NewSigningKey> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' }) as { x: string; y: string };
    const kid = thumbprint(x, y);
    const jwk: PublicJwk = { kty: 'EC', crv: 'P-256', x, y, kid, use: 'sig', alg: 'ES256' };
    const secret = privateKey.export({ type: 'pkcs8', format: 'der' });
    const [row] = await tx.query<{ signs_from: Date }>(
      `INSERT INTO signing_key (kid, public_jwk, private_key, signs_from)
       VALUES ($1, $2, $3, now() + make_interval(secs => $4)) RETURNING signs_from`,
      [kid, jwk, this.#parts.sealer.seal(secret, aboutKey(kid)), leadSeconds],
    );
    return { kid, signsFrom: row!.signs_from };
  }

  async #current(): Promise<Known> {
    const nowMs = this.#clock.now();
    if (nowMs - this.#readAtMs >= this.#parts.limits.signingKeyReadSeconds * 1000) await this.#readOnce();
    if (this.#keys.length === 0) {
      await this.ensure();
      await this.#readOnce();
    }
    const signing = this.#keys.filter(it => it.signsFromMs <= nowMs).at(-1) ?? this.#keys[0];
    if (signing === undefined) throw new Error('There is no key to sign with');
    return signing;
  }

  async #again(expiresAtMs: number): Promise<SigningKey> {
    this.forget();
    return this.forToken(expiresAtMs);
  }

  /** Reads them again before the next token. */
  forget(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }

  #readOnce(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const startedAtMs = this.#clock.now();
    const { database, sealer } = this.#parts;
    const rows = await database.query<Row>(
      `SELECT kid, private_key, signs_from, retires_at FROM signing_key WHERE ${GOOD_KEYS} ORDER BY signs_from, kid`,
    );
    this.#keys = rows.map(row => ({
      kid: row.kid,
      privateKey: privateKeyOf(sealer.open(row.private_key, aboutKey(row.kid))),
      signsFromMs: row.signs_from.getTime(),
      retiresAtMs: row.retires_at?.getTime() ?? Number.NEGATIVE_INFINITY,
    }));
    this.#readAtMs = startedAtMs;
  }
}

const aboutKey = (kid: string): string => `signing key ${kid}`;
const privateKeyOf = (der: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });

/** RFC 7638: the same key has the same name everywhere. */
const thumbprint = (x: string, y: string): string =>
  createHash('sha256').update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest('base64url');

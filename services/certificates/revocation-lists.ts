/** The lists of revoked certificates, one for each authority, kept until something is revoked. */
import type { Authorities } from '../../adapters/certificates/authorities.ts';
import type { Authority } from '../../adapters/certificates/authority.ts';
import { type RevokedCertificate, revocationList } from '../../adapters/certificates/revocation-list.ts';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';

export type SignedList = { readonly der: Uint8Array; readonly number: number };
type Kept = { readonly untilMs: number; readonly list: Promise<SignedList> };
type Revoked = { serial_number: string; revoked_at: Date; reason: string | null };

/** Who has one need not ask for another one before that. */
const NEXT_UPDATE_MS = 24 * 3_600_000;

export class RevocationLists {
  readonly #database: Database;
  readonly #authorities: Authorities;
  readonly #limits: Pick<Limits, 'revocationListKeepSeconds' | 'revocationListMaxCertificates'>;
  readonly #kept = new Map<number, Kept>();

  constructor(database: Database, authorities: Authorities, limits: Limits) {
    this.#database = database;
    this.#authorities = authorities;
    this.#limits = limits;
  }

  /** Something was revoked. */
  forget(): void {
    this.#kept.clear();
  }

  /** The ids of the authorities, the newest first. */
  async authorities(): Promise<readonly number[]> {
    return (await this.#authorities.trusted()).map(it => it.id);
  }

  /** Undefined: there is no such authority, or it is over. All who ask at once get the same. */
  async of(authorityId: number): Promise<SignedList | undefined> {
    const known = this.#kept.get(authorityId);
    if (known !== undefined && known.untilMs > performance.now()) return known.list;
    const authority = await this.#authorities.byId(authorityId);
    if (authority === undefined) return undefined;
    const list = this.#make(authority);
    const kept = { untilMs: performance.now() + this.#limits.revocationListKeepSeconds * 1000, list };
    this.#kept.set(authorityId, kept);
    list.catch(() => {
      if (this.#kept.get(authorityId) === kept) this.#kept.delete(authorityId);
    });
    return list;
  }

  async #make(authority: Authority): Promise<SignedList> {
    // The next number waits until these rows are read: a list with a higher number has all that those with lower ones have.
    const { number, revoked } = await this.#database.transaction(async tx => {
      const [row] = await tx.query<{ crl_number: number }>(
        'UPDATE certificate_authority SET crl_number = crl_number + 1 WHERE authority_id = $1 RETURNING crl_number',
        [authority.id],
      );
      return { number: row!.crl_number, revoked: await this.#revoked(tx, authority.id) };
    });
    const nowMs = Date.now();
    const der = await revocationList(authority, revoked, {
      number,
      thisUpdate: new Date(nowMs),
      nextUpdate: new Date(nowMs + NEXT_UPDATE_MS),
    });
    return { der, number };
  }

  /** Until a day after their end: RFC 5280, section 5, wants them in one list after it. */
  async #revoked(tx: Transaction, authorityId: number): Promise<RevokedCertificate[]> {
    const { revocationListMaxCertificates: max } = this.#limits;
    const rows = await tx.query<Revoked>(
      `SELECT serial_number, least(revoked_at, replaced_from) AS revoked_at,
         CASE WHEN revoked_at IS NULL THEN 'superseded' ELSE revoked_for END AS reason
       FROM certificate
       WHERE authority_id = $1 AND not_after > now() - interval '1 day'
         AND (revoked_at IS NOT NULL OR replaced_from IS NOT NULL) AND (revoked_at IS NOT NULL OR replaced_from <= now())
       ORDER BY not_after, serial_number LIMIT $2`,
      [authorityId, max + 1],
    );
    // A part of the list would say of the others that they are good.
    if (rows.length > max)
      throw new SkeinError(
        'unavailable',
        `More than ${max} certificates are revoked, which is more than a list may have`,
      );
    return rows.map(it => ({ serialNumber: it.serial_number, revokedAt: it.revoked_at, reason: it.reason }));
  }
}

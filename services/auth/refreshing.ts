/** A refresh token for the next one. */
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { Revocation } from '../../contracts/access.contract.ts';
import { appendAudit } from '../../mixins/audit.ts';
import { endLogins } from './logins.ts';
import { hashesOf, judge, newRefreshToken, parseRefreshToken, type RefreshToken, textOf } from './refresh-tokens.ts';

export type Refreshed =
  | { readonly userId: string; readonly loginId: string; readonly slug: string; readonly refreshToken: string }
  | { readonly refused: true; readonly revoked: readonly Revocation[] };

type Row = {
  user_id: string;
  tenant_id: number;
  slug: string;
  generation: number;
  family_hash: Uint8Array;
  refresh_hash: Uint8Array;
  is_live: boolean;
  is_overlapping: boolean;
};

const REFUSED: Refreshed = { refused: true, revoked: [] };

/**
 * Two requests with the same token at the same time are one client in a hurry: one of them gets the next token, the other one nothing, and the
 * login goes on. Whoever comes after the first one had its answer has a copy, and the login ends.
 */
export class Refreshing {
  readonly #database: Database;
  readonly #idleDays: number;
  /** Texts of tokens that this process is at. */
  readonly #underWay = new Set<string>();

  constructor(database: Database, idleDays: number) {
    this.#database = database;
    this.#idleDays = idleDays;
  }

  async refresh(text: string, address: string | null): Promise<Refreshed> {
    const token = parseRefreshToken(text);
    if (token === undefined || this.#underWay.has(text)) return REFUSED;
    this.#underWay.add(text);
    try {
      return await this.#database.transaction(tx => this.#decide(tx, token, address));
    } finally {
      this.#underWay.delete(text);
    }
  }

  async #decide(tx: Transaction, token: RefreshToken, address: string | null): Promise<Refreshed> {
    const row = await hold(tx, token, this.#idleDays);
    if (row === undefined || !row.is_live) return REFUSED;
    const judgement = judge(token, row);
    if (judgement === 'good') return turn(tx, token, row);
    if (judgement === 'wrong' || row.is_overlapping) return REFUSED;
    return { refused: true, revoked: await endReused(tx, token, row, address) };
  }
}

/** `is_overlapping`: this transaction began on another node before the one that used the login last had ended. */
async function hold(tx: Transaction, { loginId }: RefreshToken, idleDays: number): Promise<Row | undefined> {
  const [row] = await tx.query<Row>(
    `SELECT l.user_id, l.tenant_id, t.slug, l.generation, l.family_hash, l.refresh_hash,
       l.revoked_at IS NULL AND l.expires_at > now() AND l.last_used_at > now() - make_interval(days => $2)
         AND u.state = 'active' AND t.state = 'active' AS is_live,
       now() < l.last_used_at AS is_overlapping
     FROM login l JOIN app_user u USING (user_id) JOIN tenant t ON t.tenant_id = l.tenant_id
     WHERE l.login_id = $1 FOR UPDATE OF l`,
    [loginId, idleDays],
  );
  return row;
}

async function turn(tx: Transaction, { loginId, generation, family }: RefreshToken, row: Row): Promise<Refreshed> {
  const next = newRefreshToken(loginId, generation + 1, family);
  await tx.query(
    `UPDATE login SET generation = $3, refresh_hash = $4, last_used_at = clock_timestamp()
     WHERE tenant_id = $1 AND login_id = $2`,
    [row.tenant_id, loginId, next.generation, hashesOf(next).refresh_hash],
  );
  return { userId: row.user_id, loginId, slug: row.slug, refreshToken: textOf(next) };
}

/** Somebody else has it, or had: nobody knows which of the two is the user. RFC 9700, section 4.14.2. */
async function endReused(
  tx: Transaction,
  { loginId, generation }: RefreshToken,
  row: Row,
  address: string | null,
): Promise<readonly Revocation[]> {
  const revoked = await endLogins(tx, row, { only: loginId, why: 'reused' });
  await appendAudit(tx, {
    tenantId: row.tenant_id,
    actor: 'anonymous',
    act: 'login.reused',
    target: `login ${loginId}`,
    address,
    result: 'refused',
    data: { userId: row.user_id, generation, newest: row.generation },
  });
  return revoked;
}

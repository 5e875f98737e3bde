/** Rows of the audit log. */
import type { Database } from '../../adapters/database/database.ts';
import type { AuditEntryView, AuditVerification } from '../../contracts/audit.contract.ts';

export type AuditFilter = {
  readonly actor?: string;
  readonly act?: string;
  readonly target?: string;
  readonly address?: string;
  readonly result?: string;
  readonly from?: number;
  readonly to?: number;
};

export type AuditRow = {
  seq: number;
  at: string;
  actor: string;
  act: string;
  target: string | null;
  address: string | null;
  result: AuditEntryView['result'];
  data: Record<string, unknown>;
  hash: string;
};

export const auditView = (row: AuditRow): AuditEntryView => ({ ...row });

const AT = `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`;

/** Newest first, those before the one with the number `before`. */
export const listEntries = (
  database: Database,
  tenantId: number,
  { actor, act, target, address, result, from, to }: AuditFilter,
  before: number | undefined,
  limit: number,
): Promise<AuditRow[]> =>
  database.query<AuditRow>(
    `SELECT seq, ${AT}, actor, act, target, address, result, data, encode(hash, 'hex') AS hash FROM audit_entry
     WHERE tenant_id = $1 AND ($2::int8 IS NULL OR seq < $2)
       AND ($3::text IS NULL OR actor = $3) AND ($4::text IS NULL OR act = $4) AND ($5::text IS NULL OR target = $5)
       AND ($6::text IS NULL OR address = $6) AND ($7::text IS NULL OR result = $7)
       AND ($8::float8 IS NULL OR at >= to_timestamp($8::float8 / 1000))
       AND ($9::float8 IS NULL OR at < to_timestamp($9::float8 / 1000))
     ORDER BY seq DESC LIMIT $10`,
    [
      tenantId,
      before ?? null,
      actor ?? null,
      act ?? null,
      target ?? null,
      address ?? null,
      result ?? null,
      from ?? null,
      to ?? null,
      limit,
    ],
  );

type Checked = {
  entries: number;
  last: number;
  broken: number | null;
  hash: string | null;
  head_seq: number;
  head_hash: string;
};

/**
 * The chain after the entry `after`, which is taken as it is, for at most `limit` entries: each must have the number after the one before it,
 * and the hash that it should have; and the last of all must be the one that the head of the log names.
 */
export async function verifyChain(
  database: Database,
  tenantId: number,
  after: number,
  limit: number,
): Promise<AuditVerification> {
  const [row] = await database.query<Checked>(
    `WITH start AS (SELECT coalesce((SELECT hash FROM audit_entry WHERE tenant_id = $1 AND seq = $2), '\\x'::bytea) AS hash),
     part AS (SELECT * FROM audit_entry WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3),
     chain AS (
       SELECT seq, part.hash,
         coalesce(lag(seq) OVER w, $2::int8) AS seq_before,
         audit_hash(coalesce(lag(part.hash) OVER w, start.hash), seq, at, actor, act, target, address, result, data) AS expected
       FROM part, start WINDOW w AS (ORDER BY seq))
     SELECT count(*)::int AS entries, coalesce(max(seq), $2::int8) AS last,
       min(seq) FILTER (WHERE hash <> expected OR seq <> seq_before + 1) AS broken,
       (SELECT encode(hash, 'hex') FROM chain ORDER BY seq DESC LIMIT 1) AS hash,
       coalesce((SELECT seq FROM audit_head WHERE tenant_id = $1), 0) AS head_seq,
       coalesce((SELECT encode(hash, 'hex') FROM audit_head WHERE tenant_id = $1), '') AS head_hash
     FROM chain`,
    [tenantId, after, limit],
  );
  const { entries, last, broken, hash, head_seq, head_hash } = row!;
  const isEnd = entries < limit;
  // Entries that were added since do not matter; those that are missing at the end do.
  const cut = isEnd && (last < head_seq || (last === head_seq && entries > 0 && hash !== head_hash)) ? last + 1 : null;
  const brokenAt = broken ?? cut;
  return { entries, last, whole: brokenAt === null, brokenAt, nextAfter: isEnd ? null : last, hash: head_hash };
}

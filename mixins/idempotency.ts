/**
 * Doing a thing once for each Idempotency-Key: the key's row, what was done and the answer are committed together, so a
 * crash leaves all of them or none, and a second request with the same key waits for the first on the row's unique index.
 */
import { createHash } from 'node:crypto';
import type { Database, Transaction } from '../adapters/database/database.ts';
import type { Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Sealer } from '../contracts/sealing.ts';
import { callerOf, nameOf } from './callers.ts';
import { canonicalJson } from './canonical-json.ts';

/** Answers are kept sealed: a new key may be in them. */
type Sealed = { readonly sealed: string };

/** Where answers are kept, and for how long. */
export type Kept = { readonly database: Database; readonly sealer: Sealer; readonly idempotencyKeepHours: number };

/**
 * Answers with what `work` answers; for a key seen before, with what it answered then. Without a key `work` runs in a transaction by itself.
 *
 * @param request what must be the same for the same key: else rejects with `idempotency_key_reused`
 */
export async function once<T>(
  { database, sealer, idempotencyKeepHours }: Kept,
  ctx: { readonly meta: Meta },
  request: unknown,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { idempotency } = ctx.meta;
  if (idempotency === undefined) return database.transaction(work);
  const caller = callerOf(ctx);
  // Each caller has its own keys: what is kept may be for nobody else.
  const row = [caller.tenantId, `${nameOf(caller)}/${idempotency.key}`] as const;
  const about = `idempotency ${row.join(' ')}`;
  const hash = createHash('sha256').update(canonicalJson(request)).digest();
  return database.transaction(async tx => {
    await tx.query(
      `DELETE FROM idempotency_key WHERE tenant_id = $1 AND key = $2 AND created_at < now() - make_interval(hours => $3)`,
      [...row, idempotencyKeepHours],
    );
    const fresh = await tx.query(
      `INSERT INTO idempotency_key (tenant_id, key, request_hash, status, response) VALUES ($1, $2, $3, 0, '{}')
       ON CONFLICT DO NOTHING RETURNING tenant_id`,
      [...row, hash],
    );
    if (fresh.length === 0)
      return storedAnswer<T>(tx, row, hash, sealed => JSON.parse(opened(sealer, sealed, about)) as T);
    const answer = await work(tx);
    await tx.query('UPDATE idempotency_key SET status = 200, response = $3 WHERE tenant_id = $1 AND key = $2', [
      ...row,
      { sealed: Buffer.from(sealer.seal(Buffer.from(JSON.stringify(answer)), about)).toString('base64') },
    ]);
    return answer;
  });
}

async function storedAnswer<T>(
  tx: Transaction,
  row: readonly [number, string],
  hash: Uint8Array,
  open: (sealed: Sealed) => T,
): Promise<T> {
  const [stored] = await tx.query<{ request_hash: Uint8Array; response: Sealed }>(
    'SELECT request_hash, response FROM idempotency_key WHERE tenant_id = $1 AND key = $2',
    [...row],
  );
  if (stored === undefined || Buffer.compare(stored.request_hash, hash) !== 0)
    throw new SkeinError('idempotency_key_reused', 'This Idempotency-Key belongs to another request');
  return open(stored.response);
}

const opened = (sealer: Sealer, { sealed }: Sealed, about: string): string =>
  Buffer.from(sealer.open(Buffer.from(sealed, 'base64'), about)).toString();

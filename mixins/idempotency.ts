/**
 * Doing a thing once for each Idempotency-Key: the key's row, what was done and the answer are committed together, so a
 * crash leaves all of them or none, and a second request with the same key waits for the first on the row's unique index.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Database, Transaction } from '../adapters/database/database.ts';
import type { Idempotency, Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { applicationOf } from './callers.ts';
import { canonicalJson } from './canonical-json.ts';

type Sealed = { readonly nonce: string; readonly text: string; readonly tag: string };

/**
 * Answers with what `work` answers; for a key seen before, with what it answered then. Without a key `work` runs by itself.
 *
 * @param request what must be the same for the same key: else rejects with `idempotency_key_reused`
 */
export async function once<T>(
  database: Database,
  ctx: { readonly meta: Meta },
  keepHours: number,
  request: unknown,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { idempotency } = ctx.meta;
  if (idempotency === undefined) return work(database);
  const caller = applicationOf(ctx);
  // Each API key has its own space of idempotency keys, since only it can open what it stored.
  const row = [caller.tenantId, `${caller.keyId}/${idempotency.key}`] as const;
  const hash = createHash('sha256').update(canonicalJson(request)).digest();
  return database.transaction(async tx => {
    await tx.query(
      `DELETE FROM idempotency_key WHERE tenant_id = $1 AND key = $2 AND created_at < now() - make_interval(hours => $3)`,
      [...row, keepHours],
    );
    const fresh = await tx.query(
      `INSERT INTO idempotency_key (tenant_id, key, request_hash, status, response) VALUES ($1, $2, $3, 0, '{}')
       ON CONFLICT DO NOTHING RETURNING tenant_id`,
      [...row, hash],
    );
    if (fresh.length === 0) return storedAnswer<T>(tx, row, hash, idempotency);
    const answer = await work(tx);
    await tx.query('UPDATE idempotency_key SET status = 200, response = $3 WHERE tenant_id = $1 AND key = $2', [
      ...row,
      seal(idempotency, answer),
    ]);
    return answer;
  });
}

async function storedAnswer<T>(
  tx: Transaction,
  row: readonly [number, string],
  hash: Uint8Array,
  idempotency: Idempotency,
): Promise<T> {
  const [stored] = await tx.query<{ request_hash: Uint8Array; response: Sealed }>(
    'SELECT request_hash, response FROM idempotency_key WHERE tenant_id = $1 AND key = $2',
    [...row],
  );
  if (stored === undefined || Buffer.compare(stored.request_hash, hash) !== 0)
    throw new SkeinError('idempotency_key_reused', 'This Idempotency-Key belongs to another request');
  return open<T>(idempotency, stored.response);
}

function seal(idempotency: Idempotency, answer: unknown): Sealed {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(idempotency.seal, 'base64url'), nonce);
  const text = cipher.update(JSON.stringify(answer), 'utf8', 'base64') + cipher.final('base64');
  return { nonce: nonce.toString('base64'), text, tag: cipher.getAuthTag().toString('base64') };
}

function open<T>(idempotency: Idempotency, { nonce, text, tag }: Sealed): T {
  const key = Buffer.from(idempotency.seal, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'));
  decipher.setAuthTag(Buffer.from(tag, 'base64'));
  return JSON.parse(decipher.update(text, 'base64', 'utf8') + decipher.final('utf8')) as T;
}

/** The audit log: who did what, on what, from where, and whether it was allowed. Written in the transaction of what it tells of. */
import type { Transaction } from '../adapters/database/database.ts';
import type { Meta } from '../contracts/contract.ts';
import { callerOf, nameOf } from './callers.ts';

export type AuditEntry = {
  readonly tenantId: number;
  /** `user 0193...`, `application 8fK...`, `device press-4`, `system`: never a name or an address of a person, which may have to be erased. */
  readonly actor: string;
  /** What was done, as `<resource>.<verb in the past>`: `device.suspended`, `user.created`, `login.failed`. */
  readonly act: string;
  /** On what: `device press-4`, `user 0193...`. */
  readonly target: string | null;
  /** The client's address. */
  readonly address: string | null;
  readonly result: 'done' | 'refused';
  /** More, for people. No secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
};

/** Appends to the chain of the tenant. It holds a lock on its end until the transaction ends, so it comes last in a transaction. */
export async function appendAudit(tx: Pick<Transaction, 'query'>, entry: AuditEntry): Promise<void> {
  const { tenantId, actor, act, target, address, result, data = {} } = entry;
  await tx.query('SELECT audit_append($1, $2, $3, $4, $5, $6, $7::text::jsonb)', [
    tenantId,
    actor,
    act,
    target,
    address,
    result,
    JSON.stringify(data),
  ]);
}

/** An act of the caller, which is being done in this transaction. */
export function audited(
  tx: Pick<Transaction, 'query'>,
  ctx: { readonly meta: Meta },
  act: string,
  target: string | null,
  data?: Readonly<Record<string, unknown>>,
): Promise<void> {
  const caller = callerOf(ctx);
  const address = ctx.meta.address ?? null;
  return appendAudit(tx, {
    tenantId: caller.tenantId,
    actor: nameOf(caller),
    act,
    target,
    address,
    result: 'done',
    data,
  });
}

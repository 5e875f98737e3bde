/** New keys that sign tokens: when the newest has served its time, and when an operator wants one. */
import type { Context } from 'moleculer';
import type { SigningKeys } from '../../adapters/access/signing-keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { appendAudit, audited } from '../../mixins/audit.ts';
import { memberOf } from '../../mixins/callers.ts';

/** By itself. What it does is written down for the tenant that runs the system. */
export async function keepFresh(keys: SigningKeys, database: Database): Promise<void> {
  const made = await keys.ensure();
  const [operator] = made
    ? await database.query<{ tenant_id: number }>('SELECT tenant_id FROM tenant WHERE is_operator ORDER BY 1 LIMIT 1')
    : [];
  if (made === undefined || operator === undefined) return;
  await appendAudit(database, {
    tenantId: operator.tenant_id,
    actor: 'system',
    act: 'signing_key.rotated',
    target: `signing key ${made.kid}`,
    address: null,
    result: 'done',
    data: { signsFrom: made.signsFrom.toISOString() },
  });
}

export async function rotate(
  keys: SigningKeys,
  database: Database,
  ctx: Context<{ readonly endsOthers?: boolean }, Meta>,
): Promise<{ kid: string; signsFrom: string }> {
  if (!memberOf(ctx).isOperator)
    throw new SkeinError('forbidden', 'Only the organization that runs the system may do this');
  const { endsOthers = false } = ctx.params;
  const { kid, signsFrom } = await database.transaction(async tx => {
    const made = await keys.rotate(tx, endsOthers);
    await audited(tx, ctx, 'signing_key.rotated', `signing key ${made.kid}`, { endsOthers });
    return made;
  });
  keys.forget();
  return { kid, signsFrom: signsFrom.toISOString() };
}

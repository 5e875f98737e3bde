/** A person's own second factor: begun, confirmed, removed. */
import type { Context } from 'moleculer';
import type { Database } from '../../adapters/database/database.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import { audited } from '../../mixins/audit.ts';
import type { Account } from './accounts.ts';
import type { Attempts } from './attempts.ts';
import { confirmPassword } from './own-password.ts';
import { ownAccountOf } from './own-user.ts';
import { anyFactor, type Factor, newTotp, secondFactor } from './second-factor.ts';

export type TotpParts = { readonly database: Database; readonly sealer: Sealer; readonly attempts: Attempts };
type Called<P = unknown> = Context<P, Meta>;

const wrongCode = () => new SkeinError('unauthorized', 'The code is wrong, or was used before');

/** Whoever has only got hold of an access token must not shut out its owner. */
export async function begin({ database, sealer, attempts }: TotpParts, ctx: Called<{ readonly password: string }>) {
  const account = await ownAccountOf(database, ctx);
  await confirmPassword(attempts, account, ctx.params.password);
  const { secret, uri, recoveryCodes, sealed, recoveryHashes } = newTotp(sealer, account);
  const rows = await database.query(
    `UPDATE app_user SET totp_secret = $3, totp_last_step = 0, recovery_hashes = $4::bytea[]
     WHERE tenant_id = $1 AND user_id = $2 AND NOT totp_confirmed RETURNING 1 AS begun`,
    [account.tenant_id, account.user_id, sealed, recoveryHashes],
  );
  if (rows.length === 0) throw new SkeinError('conflict', 'There is a second factor already; remove it first');
  return { secret, uri, recoveryCodes };
}

/** From now on a login needs a code. That this one is right shows that the app has the secret. */
export async function confirm(parts: TotpParts, ctx: Called<{ readonly code: string }>): Promise<void> {
  const { database, sealer, attempts } = parts;
  const account = await ownAccountOf(database, ctx);
  if (account.totp_confirmed) throw new SkeinError('conflict', 'The second factor is confirmed already');
  if (account.totp_secret === null) throw new SkeinError('conflict', 'Begin with POST /auth/totp');
  const { tenant_id, user_id, totp_secret } = account;
  await attempts.own('code', user_id, async () => {
    const factor = secondFactor(sealer, account, { totp: ctx.params.code });
    if (factor === undefined) throw wrongCode();
    await database.transaction(async tx => {
      const rows = await tx.query(
        `UPDATE app_user SET totp_confirmed = true, version = version + 1, updated_at = now()
         WHERE tenant_id = $1 AND user_id = $2 AND totp_secret = $3 AND NOT totp_confirmed RETURNING 1 AS confirmed`,
        [tenant_id, user_id, totp_secret],
      );
      if (rows.length === 0) throw new SkeinError('conflict', 'The second factor was changed meanwhile');
      if (!(await factor.use(tx))) throw wrongCode();
      await audited(tx, ctx, 'totp.enabled', `user ${user_id}`);
    });
  });
}

export async function remove(
  parts: TotpParts,
  ctx: Called<{ readonly password: string; readonly code: string }>,
): Promise<void> {
  const { database, sealer, attempts } = parts;
  const account = await ownAccountOf(database, ctx);
  if (!account.totp_confirmed) throw new SkeinError('conflict', 'There is no second factor');
  await confirmPassword(attempts, account, ctx.params.password);
  await attempts.own('code', account.user_id, async () => {
    const factor = anyFactor(sealer, account, ctx.params.code);
    if (factor === undefined) throw wrongCode();
    await database.transaction(tx => removeWith(tx, ctx, account, factor));
  });
}

async function removeWith(
  tx: Parameters<Factor['use']>[0],
  ctx: Called,
  { tenant_id, user_id }: Account,
  factor: Factor,
): Promise<void> {
  if (!(await factor.use(tx))) throw wrongCode();
  await tx.query(
    `UPDATE app_user SET totp_secret = NULL, totp_confirmed = false, recovery_hashes = '{}', version = version + 1, updated_at = now()
     WHERE tenant_id = $1 AND user_id = $2`,
    [tenant_id, user_id],
  );
  await audited(tx, ctx, 'totp.disabled', `user ${user_id}`, { factor: factor.kind });
}

/** For actions about several devices: what a caller may see whose role is limited to some of them. */
import type { Database } from '../adapters/database/database.ts';
import type { Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import type { Permission } from '../contracts/permissions.ts';
import { limitFor } from './access-control.ts';
import { callerOf, limitOf, memberOf } from './callers.ts';

type Called = { readonly meta: Meta; readonly locals?: Record<string, unknown> };

/** Whether the caller may see this device of its tenant. A device sees itself. */
export async function maySee(database: Pick<Database, 'query'>, ctx: Called, deviceId: string): Promise<boolean> {
  const caller = callerOf(ctx);
  if (caller.kind === 'device') return caller.device === deviceId;
  const limit = limitOf(ctx);
  if (limit === null) return true;
  const rows = await database.query(
    'SELECT FROM device d WHERE tenant_id = $1 AND device_id = $2 AND device_fits(d, $3::text::jsonb)',
    [caller.tenantId, deviceId, limit],
  );
  return rows.length > 0;
}

/** As `limitOf`, for an action that several permissions open, when it turns out which one it is. Rejects with `forbidden`. */
export function limitUnder(ctx: Called, permission: Permission): string | null {
  limitOf(ctx);
  const limit = limitFor(memberOf(ctx), [permission]);
  if (limit !== undefined) return limit;
  throw new SkeinError('forbidden', `This needs the permission ${permission}`, { permissions: [permission] });
}

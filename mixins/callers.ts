/**
 * Who calls. The principal comes with the call (`ctx.meta.principal`), never as a parameter. What it may do was looked at before the handler
 * runs: mixins/access-control.ts.
 */
import type { MemberPrincipal, Principal } from '../contracts/access.contract.ts';
import type { Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';

type Called = { readonly meta: Meta };
type CalledWithLocals = Called & { readonly locals?: Record<string, unknown> };

/** Whoever calls. Rejects with `unauthorized` when nobody was named. */
export function callerOf(ctx: Called): Principal {
  const { principal } = ctx.meta;
  if (principal === undefined) throw new SkeinError('unauthorized', 'A key is needed');
  return principal;
}

/** The calling person or program. Devices get `forbidden`. */
export function memberOf(ctx: Called): MemberPrincipal {
  const principal = callerOf(ctx);
  if (principal.kind === 'device') throw new SkeinError('forbidden', 'A device may not do this');
  return principal;
}

/** How a caller is named in the audit log and in what it asked for: `user 0193...`, `application 8fK...`, `device press-4`. */
export const nameOf = (principal: Principal): string =>
  principal.kind === 'device' ? `device ${principal.device}` : `${principal.kind} ${principal.id}`;

/** The caller sees all devices of its tenant. */
export const NO_LIMIT = null;

type LimitNote = { readonly limit: string; wasRead: boolean };
const LIMIT = 'deviceLimit';

/** For the access control: what the handler is going to read with `limitOf`. */
export function noteLimit(ctx: CalledWithLocals, limit: string): LimitNote {
  const note: LimitNote = { limit, wasRead: false };
  ctx.locals![LIMIT] = note;
  return note;
}

/**
 * Which devices the caller may see, for an action about `devices`: null for all, else JSON for the function `device_fits` of the database. Every
 * query about devices says `AND ($n::text IS NULL OR device_fits(d, $n::text::jsonb))`.
 */
export function limitOf(ctx: CalledWithLocals): string | null {
  const note = ctx.locals?.[LIMIT] as LimitNote | undefined;
  if (note === undefined) return NO_LIMIT;
  note.wasRead = true;
  return note.limit;
}

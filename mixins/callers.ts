/** Who may call what. The principal comes with the call (`ctx.meta.principal`), never as a parameter. */
import type { Principal } from '../contracts/access.contract.ts';
import type { Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';

type Called = { readonly meta: Meta };
export type Application = Extract<Principal, { kind: 'application' }>;

/** Whoever calls. Rejects with `unauthorized` when nobody was named. */
export function callerOf(ctx: Called): Principal {
  const { principal } = ctx.meta;
  if (principal === undefined) throw new SkeinError('unauthorized', 'A key is needed');
  return principal;
}

/** The calling application. Devices get `forbidden`. */
export function applicationOf(ctx: Called): Application {
  const principal = callerOf(ctx);
  if (principal.kind !== 'application') throw new SkeinError('forbidden', 'A device key may not do this');
  return principal;
}

/** The caller, when it may see this device: an application of the tenant, or the device itself. */
export function callerFor(ctx: Called, deviceId: string): Principal {
  const principal = callerOf(ctx);
  // The same answer whether or not the other device exists, so a device learns nothing of its neighbours.
  if (principal.kind === 'device' && principal.device !== deviceId)
    throw new SkeinError('forbidden', 'A device key opens its own device only');
  return principal;
}

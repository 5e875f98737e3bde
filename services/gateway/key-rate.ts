/** How often one API key may ask. Devices and applications that are known: nobody else comes so far. */
import type { RateLimiter, Taken } from '../../adapters/limits/rate.ts';
import type { Principal } from '../../contracts/access.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';

/** A promise only when another process has to be asked. Throws or rejects with `rate_limited`. */
export function withinRate(rates: RateLimiter, principal: Principal, limits: Limits): Promise<void> | undefined {
  const key =
    principal.kind === 'device' ? `${principal.tenant}/${principal.device}` : `${principal.kind} ${principal.id}`;
  const taken = rates.take(key);
  if (taken instanceof Promise) return taken.then(it => refuse(it, limits));
  refuse(taken, limits);
  return undefined;
}

function refuse({ allowed, retryAfterMs }: Taken, { keyRequestsPerSecond, keyBurstRequests }: Limits): void {
  if (allowed) return;
  const detail = `A key may send ${keyRequestsPerSecond} requests in a second, and ${keyBurstRequests} at once after a pause`;
  throw new SkeinError('rate_limited', detail, { retryAfterMs });
}

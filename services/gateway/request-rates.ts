/**
 * How often may be asked over REST: each device, API key and user by itself, all of one organization together (its quota), and each address by
 * those who are not known. With Redis all nodes count together. The answers are promises only when another process has to be asked.
 */
import { networkOf } from '../../adapters/limits/connect-network.ts';
import { rateLimiter } from '../../adapters/limits/index.ts';
import type { Rate, RateLimiter, Taken } from '../../adapters/limits/rate.ts';
import type { Principal } from '../../contracts/access.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { QuotaReader } from '../../mixins/quotas.ts';

/** Of which limit a refusal is. */
type Counted = 'device' | 'key' | 'user' | 'organization' | 'address';

/** A quota is for a second; so much may come at once after a pause. */
const QUOTA_BURST_SECONDS = 2;

export class RequestRates {
  readonly #limits: Limits;
  readonly #quotas: QuotaReader;
  readonly #callers: RateLimiter;
  readonly #tenants: RateLimiter;
  readonly #strangers: RateLimiter;

  constructor(limits: Limits, redisUrl: string | undefined, quotas: QuotaReader) {
    this.#limits = limits;
    this.#quotas = quotas;
    const { keyRequestsPerSecond, keyBurstRequests, strangerRequestsPerSecond, strangerBurstRequests } = limits;
    const limiter = (name: string, perSecond: number, burst: number) =>
      rateLimiter(name, { perSecond, burst }, limits, redisUrl);
    this.#callers = limiter('key', keyRequestsPerSecond, keyBurstRequests);
    this.#tenants = limiter('tenant', limits.tenantRequestsPerSecond, limits.tenantRequestsPerSecond);
    this.#strangers = limiter('address', strangerRequestsPerSecond, strangerBurstRequests);
  }

  /** A request of somebody who is known. Throws or rejects with `rate_limited`. */
  within(principal: Principal): Promise<void> | undefined {
    const quotas = this.#quotas.of(principal.tenantId);
    if (quotas instanceof Promise) return quotas.then(it => this.#withinQuota(principal, it.requestsPerSecond));
    return this.#withinQuota(principal, quotas.requestsPerSecond);
  }

  #withinQuota(principal: Principal, perSecond: number): Promise<void> | undefined {
    const { keyRequestsPerSecond, keyBurstRequests } = this.#limits;
    const rate: Rate = { perSecond, burst: perSecond * QUOTA_BURST_SECONDS };
    const [counted, name] = callerOf(principal);
    const own = this.#callers.take(name);
    const all = this.#tenants.take(String(principal.tenantId), 1, rate);
    const judge = (mine: Taken, together: Taken) => {
      // Else who goes on after it was refused would use up what the others of its organization have.
      if (!mine.allowed && together.allowed) void this.#tenants.take(String(principal.tenantId), -1, rate);
      refuse(
        mine,
        counted,
        `A ${counted} may send ${keyRequestsPerSecond} requests in a second, and ${keyBurstRequests} at once after a pause`,
      );
      refuse(
        together,
        'organization',
        `The organization may send ${perSecond} requests in a second, all its callers together`,
      );
    };
    if (own instanceof Promise || all instanceof Promise)
      return Promise.all([own, all]).then(([mine, together]) => judge(mine, together));
    judge(own, all);
    return undefined;
  }

  /** A request of somebody who is not known, or whose credential has to be checked first. Throws or rejects with `rate_limited`. */
  stranger(address: string): Promise<void> | undefined {
    const { strangerRequestsPerSecond, strangerBurstRequests } = this.#limits;
    const said = `An address may send ${strangerRequestsPerSecond} requests in a second without a good credential, and ${strangerBurstRequests} at once after a pause`;
    const taken = this.#strangers.take(networkOf(address));
    if (taken instanceof Promise) return taken.then(it => refuse(it, 'address', said));
    refuse(taken, 'address', said);
    return undefined;
  }

  /** It was no stranger after all. */
  wasKnown(address: string): void {
    void this.#strangers.take(networkOf(address), -1);
  }

  close(): void {
    for (const it of [this.#callers, this.#tenants, this.#strangers]) it.close();
  }
}

function callerOf(principal: Principal): [counted: Counted, name: string] {
  if (principal.kind === 'device') return ['device', `${principal.tenant}/${principal.device}`];
  return [principal.kind === 'user' ? 'user' : 'key', `${principal.kind} ${principal.id}`];
}

function refuse({ allowed, retryAfterMs }: Taken, limit: Counted, detail: string): void {
  if (!allowed) throw new SkeinError('rate_limited', detail, { limit, retryAfterMs });
}

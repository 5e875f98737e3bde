/**
 * The quota of messages of an organization, for all its devices at this node together: beyond it they are slowed, as a single device is beyond
 * its own rate.
 */
import { LRUCache } from 'lru-cache';
import type { Limits } from '../../../contracts/limits.ts';
import { Pace } from './pace.ts';

/** Messages a second that a tenant may send. At once when it is known. */
export type MessageQuota = (tenantId: number) => number | Promise<number>;

/** So many seconds of the quota may come at once after a pause. */
const BURST_SECONDS = 2;

export class TenantPace {
  readonly #quota: () => number | Promise<number>;
  readonly #limits: Limits;
  #pace: Pace;
  #perSecond: number;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(quota: () => number | Promise<number>, limits: Limits) {
    this.#quota = quota;
    this.#limits = limits;
    this.#perSecond = limits.tenantMessagesPerSecond;
    this.#pace = this.#paceOf(0);
  }

  /** As `Pace.take`. */
  take(nowMs: number): number {
    if (nowMs - this.#askedMs > this.#limits.quotaCacheSeconds * 1_000) this.#ask(nowMs);
    return this.#pace.take(nowMs);
  }

  /** A quota that is not known yet counts from its answer on. */
  #ask(nowMs: number): void {
    this.#askedMs = nowMs;
    const quota = this.#quota();
    if (typeof quota === 'number') this.#setRate(quota);
    else
      quota.then(
        perSecond => this.#setRate(perSecond),
        () => {},
      );
  }

  #setRate(perSecond: number): void {
    if (perSecond === this.#perSecond) return;
    this.#perSecond = perSecond;
    this.#pace = this.#paceOf(this.#pace.dueMs);
  }

  #paceOf(dueMs: number): Pace {
    const burst = this.#perSecond * BURST_SECONDS;
    return new Pace(this.#perSecond, burst, this.#limits.deviceMaxDelaySeconds, dueMs);
  }
}

export class TenantPaces {
  readonly #paces: LRUCache<number, TenantPace>;
  readonly #quota: MessageQuota;
  readonly #limits: Limits;

  constructor(quota: MessageQuota, limits: Limits) {
    this.#quota = quota;
    this.#limits = limits;
    this.#paces = new LRUCache({ max: limits.quotaCacheTenants });
  }

  of(tenantId: number): TenantPace {
    const known = this.#paces.get(tenantId);
    if (known !== undefined) return known;
    const pace = new TenantPace(() => this.#quota(tenantId), this.#limits);
    this.#paces.set(tenantId, pace);
    return pace;
  }
}

/** What the applications of this node want to see, in the form in which other nodes are told: bounded, and in full. */
import type { TenantInterest } from '../../../../contracts/mqtt.contract.ts';
import type { Audience, Listener } from '../audience.ts';

export type InterestLimits = {
  /** Filters of one tenant; beyond it other nodes send everything of its devices. */
  readonly filtersMax: number;
  /** Filters of all tenants together; beyond it that is done for every tenant. */
  readonly filtersTotalMax: number;
};
type Filters = Map<string, 0 | 1 | 2>;

/** All that an application can see. */
export const WHOLE_TENANT = 'devices/#';

/** Keeps what each tenant's applications want, so that a change of one tenant looks at that tenant only. */
export class Interest {
  readonly #audience: Pick<Audience, 'localTenants' | 'localListeners'>;
  readonly #limits: InterestLimits;
  readonly #byTenant = new Map<string, TenantInterest>();
  readonly #changed = new Set<string>();
  #told = '[]';

  constructor(audience: Pick<Audience, 'localTenants' | 'localListeners'>, limits: InterestLimits) {
    this.#audience = audience;
    this.#limits = limits;
  }

  /** What this tenant's applications want may be something else now. */
  changed(tenant: string): void {
    this.#changed.add(tenant);
  }

  /** Takes the changes in. Whether others have to be told. */
  refresh(): boolean {
    if (this.#changed.size === 0) return false;
    for (const tenant of this.#changed) {
      const filters = filtersOf(this.#audience.localListeners(tenant));
      if (filters.size === 0) this.#byTenant.delete(tenant);
      else this.#byTenant.set(tenant, { tenant, filters: collapsed(filters, this.#limits.filtersMax) });
    }
    this.#changed.clear();
    const before = this.#told;
    this.#told = JSON.stringify(this.current());
    return this.#told !== before;
  }

  current(): readonly TenantInterest[] {
    const all = [...this.#byTenant.values()];
    const total = all.reduce((sum, { filters }) => sum + filters.length, 0);
    if (total <= this.#limits.filtersTotalMax) return all;
    return all.map(({ tenant, filters }) => ({ tenant, filters: collapsed(new Map(filters), 0) }));
  }
}

function filtersOf(listeners: Iterable<Listener>): Filters {
  const filters: Filters = new Map();
  for (const { subscriptions } of listeners)
    for (const [filter, { qos }] of subscriptions)
      filters.set(filter, Math.max(qos, filters.get(filter) ?? 0) as 0 | 1 | 2);
  return filters;
}

function collapsed(filters: Filters, max: number): (readonly [string, 0 | 1 | 2])[] {
  if (filters.size <= max) return [...filters];
  return [[WHOLE_TENANT, Math.max(...filters.values()) as 0 | 1 | 2]];
}

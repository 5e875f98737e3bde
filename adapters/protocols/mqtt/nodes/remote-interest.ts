/** What the applications of one other node want to see: one listener for each tenant there. */
import type { TenantInterest } from '../../../../contracts/mqtt.contract.ts';
import type { Audience, Listener, Message } from '../audience.ts';
import { parseFilter } from '../topic-filter.ts';

export type Deliver = (tenant: string, message: Message, qos: 0 | 1 | 2) => void;

export class RemoteInterest {
  readonly #audience: Pick<Audience, 'changedElsewhere'>;
  readonly #deliver: Deliver;
  readonly #byTenant = new Map<string, RemoteListener>();
  #version = 0;

  constructor(audience: Pick<Audience, 'changedElsewhere'>, deliver: Deliver) {
    this.#audience = audience;
    this.#deliver = deliver;
  }

  /** 0: nothing is known of it. */
  get version(): number {
    return this.#version;
  }

  /** Takes it in full. One that is older than what is known changes nothing. */
  replace(version: number, interest: readonly TenantInterest[]): void {
    if (version <= this.#version) return;
    this.#version = version;
    const gone = new Set(this.#byTenant.keys());
    for (const { tenant, filters } of interest) {
      gone.delete(tenant);
      const listener = this.#byTenant.get(tenant) ?? new RemoteListener(tenant, this.#deliver);
      this.#byTenant.set(tenant, listener);
      if (listener.wants(filters)) this.#audience.changedElsewhere(listener);
    }
    for (const tenant of gone) this.#drop(tenant);
  }

  /** The node is gone. */
  forget(): void {
    this.#version = 0;
    for (const tenant of [...this.#byTenant.keys()]) this.#drop(tenant);
  }

  #drop(tenant: string): void {
    const listener = this.#byTenant.get(tenant)!;
    this.#byTenant.delete(tenant);
    listener.wants([]);
    this.#audience.changedElsewhere(listener);
  }
}

class RemoteListener implements Listener {
  readonly tenant: string;
  readonly #deliver: Deliver;
  #subscriptions: Listener['subscriptions'] = new Map();
  #filters = '';

  constructor(tenant: string, deliver: Deliver) {
    this.tenant = tenant;
    this.#deliver = deliver;
  }

  get subscriptions(): Listener['subscriptions'] {
    return this.#subscriptions;
  }

  /** Whether that is something else than before. */
  wants(filters: TenantInterest['filters']): boolean {
    const before = this.#filters;
    this.#filters = JSON.stringify(filters);
    if (this.#filters === before) return false;
    this.#subscriptions = new Map(
      filters.map(([filter, qos]) => [filter, { filter: parseFilter(filter), qos, identifier: undefined }]),
    );
    return true;
  }

  deliver(message: Message, qos: 0 | 1 | 2): void {
    this.#deliver(this.tenant, message, qos);
  }
}

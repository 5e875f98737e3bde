/** Who wants to see what the devices of a tenant send: the applications' subscriptions. */
import { matches } from './topic-filter.ts';

/** A stored message, on its way to applications. */
export type Message = {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly contentType: string;
};
export interface Listener {
  readonly tenant: string;
  readonly subscriptions: ReadonlyMap<
    string,
    { filter: readonly string[]; qos: 0 | 1 | 2; identifier: number | undefined }
  >;
  deliver(message: Message, qos: 0 | 1 | 2, identifiers: readonly number[]): void;
}
/** One listener for one topic. It gets a message once, however many of its subscriptions match. */
export type Target = {
  readonly listener: Listener;
  readonly qos: 0 | 1 | 2;
  readonly identifiers: readonly number[];
};

export class Audience {
  #byTenant = new Map<string, Set<Listener>>();
  #version = 0;

  /** Nobody listens at all: the usual case, and the quick one. */
  get isEmpty(): boolean {
    return this.#byTenant.size === 0;
  }

  /** Changes whenever `targets` may answer differently. */
  get version(): number {
    return this.#version;
  }

  /** The listener's subscriptions are other than before. */
  changed(listener: Listener): void {
    this.#version++;
    const listeners = this.#byTenant.get(listener.tenant) ?? new Set();
    if (listener.subscriptions.size > 0) this.#byTenant.set(listener.tenant, listeners.add(listener));
    else if (listeners.delete(listener) && listeners.size === 0) this.#byTenant.delete(listener.tenant);
  }

  /** Who of this tenant sees this topic. Looks at every subscription of the tenant: keep the answer until `version` changes. */
  targets(tenant: string, topic: string): readonly Target[] {
    const found: Target[] = [];
    for (const listener of this.#byTenant.get(tenant) ?? []) {
      const matching = [...listener.subscriptions.values()].filter(it => matches(it.filter, topic));
      if (matching.length === 0) continue;
      // aedes sends with no more than the subscription that names this very topic was granted.
      const qos = listener.subscriptions.get(topic)?.qos ?? (Math.max(...matching.map(it => it.qos)) as 0 | 1 | 2);
      found.push({ listener, qos, identifiers: matching.flatMap(it => it.identifier ?? []) });
    }
    return found;
  }
}

/** Who wants to see what the devices of a tenant send: applications that are connected here, and nodes where others are. */
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
/** An application that is connected here. */
export interface LocalListener extends Listener {
  /** Messages that it may have wanted were lost on their way from another node. */
  missed(): void;
}
/** One listener for one topic. It gets a message once, however many of its subscriptions match. */
export type Target = {
  readonly listener: Listener;
  readonly qos: 0 | 1 | 2;
  readonly identifiers: readonly number[];
};

export class Audience {
  readonly #local = new Map<string, Set<LocalListener>>();
  readonly #remote = new Map<string, Set<Listener>>();
  #version = 0;
  /** Told of every tenant whose applications here want something else than before. */
  onLocalChange: (tenant: string) => void = () => {};

  /** Nobody listens at all: the usual case, and the quick one. */
  get isEmpty(): boolean {
    return this.#local.size === 0 && this.#remote.size === 0;
  }

  /** Changes whenever `targets` may answer differently. */
  get version(): number {
    return this.#version;
  }

  /** The subscriptions of an application are other than before. */
  changed(listener: LocalListener): void {
    this.#version++;
    put(this.#local, listener);
    this.onLocalChange(listener.tenant);
  }

  /** What a node wants of a tenant is other than before. */
  changedElsewhere(listener: Listener): void {
    this.#version++;
    put(this.#remote, listener);
  }

  /** The tenants whose applications here want something. */
  localTenants(): Iterable<string> {
    return this.#local.keys();
  }

  /** The applications of a tenant that are connected here and want something. */
  localListeners(tenant: string): Iterable<LocalListener> {
    return this.#local.get(tenant) ?? [];
  }

  /** Who of this tenant sees this topic. Looks at every subscription of the tenant: keep the answer until `version` changes. */
  targets(tenant: string, topic: string): readonly Target[] {
    const found = this.localTargets(tenant, topic);
    for (const listener of this.#remote.get(tenant) ?? []) {
      const matching = [...listener.subscriptions.values()].filter(it => matches(it.filter, topic));
      if (matching.length > 0) found.push({ listener, qos: highestQos(matching), identifiers: [] });
    }
    return found;
  }

  /** Those of them that are connected here. */
  localTargets(tenant: string, topic: string): Target[] {
    const found: Target[] = [];
    for (const listener of this.localListeners(tenant)) {
      const matching = [...listener.subscriptions.values()].filter(it => matches(it.filter, topic));
      if (matching.length === 0) continue;
      // aedes sends with no more than the subscription that names this very topic was granted.
      const qos = listener.subscriptions.get(topic)?.qos ?? highestQos(matching);
      found.push({ listener, qos, identifiers: matching.flatMap(it => it.identifier ?? []) });
    }
    return found;
  }
}

function put<L extends Listener>(byTenant: Map<string, Set<L>>, listener: L): void {
  const listeners = byTenant.get(listener.tenant) ?? new Set();
  if (listener.subscriptions.size > 0) byTenant.set(listener.tenant, listeners.add(listener));
  else if (listeners.delete(listener) && listeners.size === 0) byTenant.delete(listener.tenant);
}

const highestQos = (subscriptions: readonly { readonly qos: 0 | 1 | 2 }[]): 0 | 1 | 2 =>
  Math.max(...subscriptions.map(it => it.qos)) as 0 | 1 | 2;

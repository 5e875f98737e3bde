/** Hands what came from other nodes to the applications that are connected here, and to nobody else. */
import type { ForwardedMessage } from '../../../../contracts/mqtt.contract.ts';
import type { Audience, Target } from '../audience.ts';
import type { Figures } from '../figures.ts';
import type { Missed } from './incoming-stream.ts';

/** Topics whose targets are remembered until somebody's subscriptions change. */
const REMEMBERED = 1_000;

export class LocalDelivery {
  readonly #audience: Audience;
  readonly #figures: Pick<Figures, 'forwardedFromNodes'>;
  readonly #targets = new Map<string, readonly Target[]>();
  #version = -1;

  constructor(audience: Audience, figures: Pick<Figures, 'forwardedFromNodes'>) {
    this.#audience = audience;
    this.#figures = figures;
  }

  deliver([tenant, topic, bytes, qos, contentType]: ForwardedMessage): void {
    this.#figures.forwardedFromNodes++;
    const targets = this.#targetsOf(tenant, topic);
    if (targets.length === 0) return;
    // A copy: the bytes are a part of a whole batch, which a slow subscriber would keep in memory.
    const message = { topic, payload: Buffer.from(bytes), qos, contentType };
    for (const target of targets)
      target.listener.deliver(message, qos < target.qos ? qos : target.qos, target.identifiers);
  }

  missed(what: Missed): void {
    const tenants = what === 'all' ? [...this.#audience.localTenants()] : what;
    for (const tenant of tenants) for (const listener of [...this.#audience.localListeners(tenant)]) listener.missed();
  }

  #targetsOf(tenant: string, topic: string): readonly Target[] {
    if (this.#version !== this.#audience.version || this.#targets.size >= REMEMBERED) this.#targets.clear();
    this.#version = this.#audience.version;
    // A tenant's name has no slash, so this names one topic of one tenant.
    const key = `${tenant}/${topic}`;
    const known = this.#targets.get(key) ?? this.#audience.localTargets(tenant, topic);
    this.#targets.set(key, known);
    return known;
  }
}

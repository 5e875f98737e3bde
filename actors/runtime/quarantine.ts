import type { Effects } from '../../contracts/store.ts';
import type { Uplink } from '../../contracts/uplinks.ts';
import type { DeviceActor } from '../device/device.actor.ts';
import type { Surroundings } from '../device/surroundings.ts';

const MINUTE_MS = 60_000;

/** Counts how often actors throw. One that does it too often in a minute rests for a minute. */
export class Quarantine {
  readonly #throwsPerMinute: number;
  readonly #throws = new Map<string, number[]>();

  constructor(throwsPerMinute: number) {
    this.#throwsPerMinute = throwsPerMinute;
  }

  get size(): number {
    return this.#throws.size;
  }

  /** What the actor makes of an uplink; while it rests, or when it throws, a dead letter. `error`: what it threw. */
  receive(
    actor: DeviceActor,
    uplink: Uplink,
    around: Surroundings,
    nowMs: number,
  ): { readonly effects: Effects; readonly error?: unknown } {
    const { key } = uplink.address;
    if (this.holds(key, nowMs)) {
      const detail = 'Handling its messages failed again and again';
      return { effects: actor.refuse(uplink, { reason: 'quarantined', detail }, around) };
    }
    try {
      return { effects: actor.receive(uplink, around) };
    } catch (error) {
      this.note(key, nowMs);
      const detail = 'Handling the message failed';
      return { effects: actor.refuse(uplink, { reason: 'actor_failed', detail }, around), error };
    }
  }

  note(key: string, nowMs: number): void {
    const times = this.#throws.get(key) ?? [];
    this.#throws.set(key, [...times, nowMs].slice(-this.#throwsPerMinute));
  }

  holds(key: string, nowMs: number): boolean {
    if (this.#throws.size === 0) return false;
    const times = this.#throws.get(key);
    if (!times || times.length < this.#throwsPerMinute) return false;
    const [first, last] = [times[0]!, times.at(-1)!];
    return last - first < MINUTE_MS && nowMs - last < MINUTE_MS;
  }

  /** Forgets what no longer matters. */
  sweep(nowMs: number): void {
    for (const [key, times] of this.#throws) if (nowMs - times.at(-1)! >= MINUTE_MS) this.#throws.delete(key);
  }
}

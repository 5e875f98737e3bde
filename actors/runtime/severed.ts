import type { Uplink } from '../../contracts/uplinks.ts';

/**
 * Sessions that were cut off because the outcome of one of their messages is unknown. What they sent after that message must
 * not be stored before it is sent again, or a device's messages would be stored out of order.
 */
export class Severed {
  readonly #sessions = new Map<string, { session: number; atMs: number }>();

  get size(): number {
    return this.#sessions.size;
  }

  cut(uplink: Uplink, nowMs: number): void {
    const { session, address } = uplink;
    // Requests over REST (session 0) have no order among each other.
    if (session === 0) return;
    const known = this.#sessions.get(address.key);
    if (!known || known.session <= session) this.#sessions.set(address.key, { session, atMs: nowMs });
  }

  includes(uplink: Uplink): boolean {
    // That a session ended may be told in any order: it is the last of it.
    if (this.#sessions.size === 0 || uplink.session === 0 || uplink.kind === 'disconnected') return false;
    const known = this.#sessions.get(uplink.address.key);
    return known !== undefined && uplink.session <= known.session;
  }

  /** Forgets those that are so old that nothing of them can be on its way any more. */
  sweep(nowMs: number, keepMs: number): void {
    for (const [key, { atMs }] of this.#sessions) if (nowMs - atMs >= keepMs) this.#sessions.delete(key);
  }
}

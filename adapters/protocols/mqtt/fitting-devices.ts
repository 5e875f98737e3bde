/** Which devices fit the limit of a role: remembered for a few seconds, for all applications together. */
import { LRUCache } from 'lru-cache';
import type { ProtocolHost } from '../protocol.ts';

export class FittingDevices {
  readonly #fits: ProtocolHost['fits'];
  readonly #known: LRUCache<string, boolean | Promise<boolean>>;

  constructor({ fits, limits }: Pick<ProtocolHost, 'fits' | 'limits'>) {
    this.#fits = fits;
    const ttl = limits.fittingDevicesSeconds * 1_000;
    this.#known = new LRUCache({ max: limits.fittingDevicesRemembered, ttl, noUpdateTTL: true });
  }

  /** A promise only when it has to be looked up; it rejects when that is not possible. */
  fits(tenantId: number, device: string, limit: string): boolean | Promise<boolean> {
    const name = `${tenantId} ${device} ${limit}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const asked = this.#fits(tenantId, device, limit);
    this.#known.set(name, asked);
    asked.then(
      fits => this.#replace(name, asked, fits),
      () => this.#replace(name, asked, undefined),
    );
    return asked;
  }

  #replace(name: string, asked: Promise<boolean>, answer: boolean | undefined): void {
    if (this.#known.peek(name) !== asked) return;
    if (answer === undefined) this.#known.delete(name);
    else this.#known.set(name, answer);
  }
}

/** Places for requests that wait. One tenant gets at most half of them, so that there are some for the others. */
import { SkeinError } from '../contracts/errors.ts';

export class WaitingPlaces {
  readonly #max: number;
  readonly #ofTenant = new Map<number, number>();
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Throws `overloaded` when there is none. */
  take(tenantId: number): void {
    const its = this.#ofTenant.get(tenantId) ?? 0;
    if (this.#taken >= this.#max)
      throw new SkeinError('overloaded', `${this.#max} requests wait here, which is as many as may`);
    // A single place is for whoever comes first.
    if (its >= Math.ceil(this.#max / 2))
      throw new SkeinError('overloaded', `${its} requests of your tenant wait here, which is as many as may of one`);
    this.#ofTenant.set(tenantId, its + 1);
    this.#taken++;
  }

  leave(tenantId: number): void {
    const its = this.#ofTenant.get(tenantId)!;
    if (its === 1) this.#ofTenant.delete(tenantId);
    else this.#ofTenant.set(tenantId, its - 1);
    this.#taken--;
  }
}

/** How a device takes what is desired of it, and what it reports of itself. */
import { isJsonObject, type JsonObject, jsonPayload } from '../../contracts/json.ts';
import type { TakerParts } from './command-taker.ts';

type Told = { readonly version: number; readonly delta: JsonObject };

export class TwinTaker {
  readonly #parts: TakerParts;
  #newestVersion = -1;
  /** The newest of what it was told over any connection. */
  toldVersion = -1;
  #reports = 0;

  constructor(parts: TakerParts) {
    this.#parts = parts;
  }

  get isDone(): boolean {
    return this.#reports >= this.#parts.plan.reports;
  }

  start(): void {
    const { world, chance } = this.#parts;
    if (this.isDone) return;
    world.clock.after(chance.span(100, 3_000), null, () => {
      const number = ++this.#reports;
      // What differs from what is desired then makes the server tell it again.
      const drift = chance.happens(0.4) ? { [chance.pick(['a', 'b'])]: chance.between(0, 2) } : {};
      this.#report({ number, ...drift }, number);
      this.start();
    });
  }

  opened(): void {
    this.#newestVersion = -1;
  }

  received({ version, delta }: Told): void {
    const { world, device, plan } = this.#parts;
    if (!isJsonObject(delta) || Object.keys(delta).length === 0)
      world.invariants.violated('twins', `${device.name} was told of nothing`);
    if (version < this.#newestVersion) return;
    this.#newestVersion = version;
    this.toldVersion = Math.max(this.toldVersion, version);
    if (plan.kind === 'library') this.#report(delta, 0);
  }

  #report(patch: JsonObject, number: number): void {
    const { outbox, world, device } = this.#parts;
    outbox.append('state', jsonPayload(patch), () => world.invariants.twins.reportIsStored(device, number));
  }
}

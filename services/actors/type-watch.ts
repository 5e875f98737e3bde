/** Keeps what actors know of the types of their devices as the types are: at once when it is told, and else within a few seconds. */
import type { Host } from '../../actors/runtime/host.ts';
import type { Database } from '../../adapters/database/database.ts';
import { TypeChanges } from '../../adapters/database/telemetry/type-changes.ts';
import type { TypeName, TypeRulesCache } from '../../adapters/database/telemetry/type-rules.ts';
import { deviceAddress } from '../../contracts/addresses.ts';
import { TurnLoop } from '../../mixins/turn-loop.ts';

export type TypeWatchParts = {
  readonly database: Pick<Database, 'query'>;
  readonly rules: TypeRulesCache;
  readonly host: Pick<Host, 'changed'>;
  readonly pollMs: number;
  readonly onError: (error: unknown) => void;
};

export class TypeWatch {
  readonly #parts: TypeWatchParts;
  readonly #changes: TypeChanges;
  readonly #loop: TurnLoop;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: TypeWatchParts) {
    this.#parts = parts;
    this.#changes = new TypeChanges(parts.database);
    this.#loop = new TurnLoop({ turn: () => this.#turn(), pollMs: parts.pollMs, onError: parts.onError });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** A type was changed. */
  changed(name: TypeName): void {
    this.#parts.rules.changed(name);
    this.#loop.wake();
  }

  /** Many changes of types must not keep it from looking for those that it was not told of. */
  async #turn(): Promise<boolean> {
    const { rules, pollMs } = this.#parts;
    if (rules.hasChanged && performance.now() - this.#lookedAtMs < pollMs) await rules.readChanged();
    else await this.#look();
    return rules.hasChanged;
  }

  async #look(): Promise<void> {
    this.#lookedAtMs = performance.now();
    await this.#parts.rules.readAll();
    for (const { tenant, device } of await this.#changes.next())
      this.#parts.host.changed(deviceAddress(tenant, device).key);
  }
}

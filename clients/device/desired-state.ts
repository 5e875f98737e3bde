/** Brings the device to what is desired of it, one change after the other, and reports what became of each. */
import { isObject, readObject } from './commands/command-message.ts';
import type { ApplyDesired, DesiredDelta } from './options.ts';

export type DesiredOptions = {
  readonly applyDesired: ApplyDesired;
  readonly report: (patch: DesiredDelta) => Promise<void>;
  readonly queueMax: number;
  readonly onDesired: (delta: DesiredDelta, version: number) => void;
  readonly onError: (error: unknown) => void;
};

export class DesiredState {
  readonly #options: DesiredOptions;
  #newestVersion = Number.NEGATIVE_INFINITY;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(options: DesiredOptions) {
    this.#options = options;
  }

  /** Versions are compared within a connection: at its start the server says again what is missing. */
  connected(): void {
    this.#newestVersion = Number.NEGATIVE_INFINITY;
  }

  receive(payload: Buffer): void {
    const { onError, queueMax } = this.#options;
    const { version, delta } = readObject(payload) ?? {};
    if (typeof version !== 'number' || !isObject(delta))
      return onError(new Error('A desired state came that is not one'));
    if (version < this.#newestVersion) return;
    if (this.#waiting >= queueMax)
      return onError(new Error(`Too many desired states wait: version ${version} is not taken`));
    this.#newestVersion = version;
    this.#waiting++;
    this.#last = this.#last
      .then(() => this.#apply(delta, version))
      .catch(onError)
      .finally(() => {
        this.#waiting--;
      });
  }

  /** Resolves when what came is applied. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #apply(delta: DesiredDelta, version: number): Promise<void> {
    const { applyDesired, report, onDesired } = this.#options;
    const reported = (await applyDesired(delta)) ?? {};
    if (Object.keys(reported).length > 0) await report(reported);
    onDesired(delta, version);
  }
}

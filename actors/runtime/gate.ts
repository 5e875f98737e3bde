import type { Delivery, Downlink, Output } from '../../contracts/downlinks.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Scheduler } from './ports.ts';
import type { TokenBucket } from './token-bucket.ts';

export type GateParts = {
  readonly scheduler: Scheduler;
  readonly limits: Pick<Limits, 'downlinksPerNode'>;
  readonly bucket: TokenBucket;
  readonly out: (outputs: readonly Output[]) => void;
  /** Too many wait already: this one does not leave. */
  readonly refused: (downlink: Downlink, why: Exclude<Delivery, 'sent'>) => void;
};

/**
 * Commands leave through it, at the pace. They are sent at the pace already; but a transaction that took long lets many go at one
 * moment, which this spreads again. Everything else passes.
 */
export class Gate {
  readonly #parts: GateParts;
  #waiting: Output[] = [];
  #cancel: (() => void) | undefined;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  release(outputs: readonly Output[]): void {
    const { bucket, limits, out, refused } = this.#parts;
    const free: Output[] = [];
    for (const output of outputs) {
      if (!isCommand(output) || (this.#waiting.length === 0 && bucket.take())) free.push(output);
      else if (this.#waiting.length < limits.downlinksPerNode) this.#waiting.push(output);
      else refused(output.downlink, 'full');
    }
    if (free.length > 0) out(free);
    if (this.#waiting.length > 0) this.#lookSoon();
  }

  /** What waits does not leave any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting = [];
  }

  #lookSoon(): void {
    this.#cancel ??= this.#parts.scheduler.after(this.#parts.bucket.pauseMs, () => {
      this.#cancel = undefined;
      this.#look();
    });
  }

  #look(): void {
    const { bucket, out } = this.#parts;
    let count = 0;
    while (count < this.#waiting.length && bucket.take()) count++;
    if (count > 0) out(this.#waiting.splice(0, count));
    if (this.#waiting.length > 0) this.#lookSoon();
  }
}

const isCommand = (output: Output): output is Extract<Output, { to: 'device' }> =>
  output.to === 'device' && output.downlink.attempt !== null;

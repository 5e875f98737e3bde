import type { Limits } from '../../contracts/limits.ts';
import type { OwnershipStore } from '../../contracts/ownership.ts';
import { type Clock, pause, type Scheduler } from '../runtime/ports.ts';

export type LeaseParts = {
  readonly store: Pick<OwnershipStore, 'renew'>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: Limits;
  /** How the instance is, as the others shall know. */
  readonly status: () => { readonly reachable: boolean; readonly leaving: boolean };
  /**
   * True: as far as this process can tell its lease ran out. False: it is known to be good (again). Nothing is refused meanwhile: the
   * fence keeps what is not its own from being written, and one message that is refused must not be overtaken by the next.
   */
  readonly lapsed: (isLapsed: boolean) => void;
  /** The session was closed by another: this process can't write any more. */
  readonly lost: () => void;
};

const RETRY_MS = 500;

/** Keeps the session of this process alive, and knows by its own clock how long it can be sure of that. */
export class Lease {
  readonly #parts: LeaseParts;
  #renewedAtMs: number;
  #contactSinceMs: number;
  #cancelLapse: () => void = () => {};
  #hasLapsed = false;
  #stopped = false;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
    this.#renewedAtMs = parts.clock.elapsedMs();
    this.#contactSinceMs = this.#renewedAtMs;
  }

  start(): void {
    this.#watch();
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelLapse();
  }

  /** For how long it has been in touch with the database without a gap that is longer than a lease. 0: there is such a gap now. */
  get contactMs(): number {
    if (this.#isOver()) return 0;
    return this.#parts.clock.elapsedMs() - this.#contactSinceMs;
  }

  /** As far as this process can tell, nobody has taken over what is its own. */
  get isGood(): boolean {
    return !this.#isOver();
  }

  async #run(): Promise<void> {
    const { scheduler, limits } = this.#parts;
    while (!this.#stopped) {
      const isRenewed = await this.renew();
      if (!this.#stopped) await pause(scheduler, isRenewed ? limits.leaseRenewalMs : RETRY_MS);
    }
  }

  /** Answers whether the database has heard of it. */
  async renew(): Promise<boolean> {
    const { store, clock, limits, status, lapsed, lost } = this.#parts;
    const askedAtMs = clock.elapsedMs();
    const isOpen = await store.renew(status()).catch(() => undefined);
    if (this.#stopped || isOpen === undefined) return false;
    if (!isOpen) {
      this.stop();
      lost();
      return false;
    }
    if (askedAtMs - this.#renewedAtMs > limits.leaseSeconds * 1_000) this.#contactSinceMs = askedAtMs;
    // The lease counts from when it was asked for: the answer may have taken long.
    this.#renewedAtMs = Math.max(this.#renewedAtMs, askedAtMs);
    this.#watch();
    if (this.#hasLapsed && !this.#isOver()) {
      this.#hasLapsed = false;
      lapsed(false);
    }
    return true;
  }

  #isOver(): boolean {
    const { clock, limits } = this.#parts;
    return clock.elapsedMs() - this.#renewedAtMs >= limits.leaseSeconds * 1_000;
  }

  #watch(): void {
    const { scheduler, clock, limits, lapsed } = this.#parts;
    this.#cancelLapse();
    const leftMs = this.#renewedAtMs + limits.leaseSeconds * 1_000 - clock.elapsedMs();
    this.#cancelLapse = scheduler.after(Math.max(0, leftMs), () => {
      if (this.#stopped || this.#hasLapsed || !this.#isOver()) return;
      this.#hasLapsed = true;
      lapsed(true);
    });
  }
}

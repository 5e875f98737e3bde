/** How many certificates end soon: for health and metrics, so that somebody looks before devices stay away. */
import type { Database } from '../../adapters/database/database.ts';
import type { HealthReport } from '../../contracts/health.contract.ts';
import { countEnding } from './certificate-rows.ts';

const SOON_DAYS = 30;
/** It changes by the day, and is asked for by every node. */
const KEEP_MS = 60_000;

export class EndingSoon {
  readonly #database: Database;
  #latest: { readonly atMs: number; readonly count: Promise<number> } | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  async report(): Promise<HealthReport> {
    const nowMs = performance.now();
    if (this.#latest === undefined || nowMs - this.#latest.atMs > KEEP_MS) {
      const count = countEnding(this.#database, SOON_DAYS);
      this.#latest = { atMs: nowMs, count };
      count.catch(() => {
        this.#latest = undefined;
      });
    }
    return { condition: 'healthy', figures: { endingSoon: await this.#latest.count } };
  }
}

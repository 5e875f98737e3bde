/**
 * Acts that were refused, on their way into the log. The same ones of a short while become one entry that counts them: an address that tries
 * keys without end, or a program that asks for what it may not have, must not fill the log.
 */
import type { Database } from '../../adapters/database/database.ts';
import type { RefusedAct } from '../../contracts/audit.contract.ts';
import { appendAudit } from '../../mixins/audit.ts';

export type RefusedActsOptions = {
  readonly database: Database;
  /** Different ones that wait; beyond it they are counted as one, `many`. */
  readonly maxActs: number;
  readonly flushMs: number;
  readonly onError: (error: unknown) => void;
};

type Counted = { readonly act: RefusedAct; count: number };

export class RefusedActs {
  readonly #options: RefusedActsOptions;
  #waiting = new Map<string, Counted>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(options: RefusedActsOptions) {
    this.#options = options;
  }

  add(act: RefusedAct): void {
    const { maxActs, flushMs } = this.#options;
    const told = this.#waiting.size < maxActs ? act : { ...act, actor: 'many', target: null, address: null };
    const name = JSON.stringify([told.tenantId, told.actor, told.act, told.target, told.address]);
    const known = this.#waiting.get(name);
    if (known !== undefined) known.count++;
    else this.#waiting.set(name, { act: told, count: 1 });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, flushMs).unref();
  }

  /** Writes what has gathered. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write()).catch(this.#options.onError);
    return this.#flushing;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const acts = [...this.#waiting.values()];
    this.#waiting = new Map();
    await this.#options.database.transaction(async tx => {
      const [operator] = await tx.query<{ tenant_id: number }>(
        'SELECT tenant_id FROM tenant WHERE is_operator ORDER BY tenant_id LIMIT 1',
      );
      // In the same order everywhere: each holds the end of its chain until the transaction ends.
      const ordered = acts
        .map(({ act, count }) => ({ act, count, tenantId: act.tenantId ?? operator!.tenant_id }))
        .sort((a, b) => a.tenantId - b.tenantId);
      for (const { act, count, tenantId } of ordered)
        await appendAudit(tx, { ...act, tenantId, result: 'refused', data: count > 1 ? { times: count } : {} });
    });
  }
}

/**
 * What stopped working, for every node. Whoever revokes writes it in the transaction that does it, and announces it after; each node also reads
 * the table each second, so that nothing depends on a message of the bus, which may be lost.
 */
import { LRUCache } from 'lru-cache';
import type { Database, Transaction } from '../adapters/database/database.ts';
import { access, type Revocation } from '../contracts/access.contract.ts';
import { announce } from '../contracts/contract.ts';

/** Writes it down, in the transaction that revokes. Then call `announceRevoked` after the commit. */
export async function revoke(tx: Pick<Transaction, 'query'>, revocations: readonly Revocation[]): Promise<void> {
  if (revocations.length === 0) return;
  await tx.query(
    `INSERT INTO revocation (kind, tenant, subject, device)
     SELECT it ->> 'kind', it ->> 'tenant', it ->> 'subject', it ->> 'device'
     FROM jsonb_array_elements($1::text::jsonb) AS it`,
    [JSON.stringify(revocations)],
  );
}

/** Tells all nodes at once, when they can be reached. */
export function announceRevoked(
  broker: { broadcast(name: string, payload: unknown): unknown },
  revocations: readonly Revocation[],
): void {
  for (const it of revocations) announce(broker, access.revoked, it);
}

export type RevocationFeedOptions = {
  readonly database: Pick<Database, 'query'>;
  readonly pollMs: number;
  /** How far it looks back: longer than any transaction takes that revokes something. */
  readonly lookBackSeconds: number;
  /** Called for each that was not seen before. */
  readonly onRevoked: (revocation: Revocation) => void;
  readonly onError: (error: unknown) => void;
};

/** More than are ever within the time that it looks back; beyond it some are told twice, which does no harm. */
const SEEN_MAX = 100_000;

export class RevocationFeed {
  readonly #options: RevocationFeedOptions;
  readonly #seen = new LRUCache<number, true>({ max: SEEN_MAX });
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: RevocationFeedOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
  }

  /** Looks now. */
  async poll(): Promise<void> {
    const { database, lookBackSeconds, onRevoked } = this.#options;
    const rows = await database.query<Revocation & { revocation_id: number }>(
      `SELECT revocation_id, kind, tenant, subject, device FROM revocation
       WHERE at > clock_timestamp() - make_interval(secs => $1) ORDER BY revocation_id`,
      [lookBackSeconds],
    );
    for (const { revocation_id, ...revocation } of rows) {
      if (this.#seen.has(revocation_id)) continue;
      this.#seen.set(revocation_id, true);
      onRevoked(revocation);
    }
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#polling = this.poll()
        .catch(this.#options.onError)
        .then(() => this.#schedule());
    }, this.#options.pollMs).unref();
  }
}

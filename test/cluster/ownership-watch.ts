/** Looks all the time who owns the shards, and remembers for how long not all had an owner that is able to do something. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SHARDS } from '../../contracts/addresses.ts';
import type { Cluster } from '../support/cluster.ts';

const LOOK_EVERY_MS = 50;

export class OwnershipWatch {
  readonly #cluster: Cluster;
  #stopped = false;
  #watching: Promise<void> | undefined;
  #unownedSinceMs: number | undefined;
  #longestMs = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  /** What is remembered is forgotten. */
  mark(): void {
    this.#longestMs = 0;
    if (this.#unownedSinceMs !== undefined) this.#unownedSinceMs = performance.now();
  }

  /** The longest time since the mark in which not every shard had an able owner, ms; also one that is not over. */
  get longestMs(): number {
    const nowMs = performance.now();
    return Math.max(this.#longestMs, nowMs - (this.#unownedSinceMs ?? nowMs));
  }

  /** Says in words what is missing now; nothing when every shard has an able owner. */
  async look(): Promise<string> {
    const missing = await this.#missing().catch((error: Error) => `the database does not answer: ${error.message}`);
    const nowMs = performance.now();
    if (missing !== '') this.#unownedSinceMs ??= nowMs;
    else if (this.#unownedSinceMs !== undefined) {
      this.#longestMs = Math.max(this.#longestMs, nowMs - this.#unownedSinceMs);
      this.#unownedSinceMs = undefined;
    }
    return missing;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      await this.look();
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #missing(): Promise<string> {
    const rows = await this.#cluster.query<{ holder: string | null; state: string | null; shards: number }>(
      `SELECT holder, state, count(*)::int AS shards FROM shard LEFT JOIN node_session ON instance_id = holder GROUP BY 1, 2`,
    );
    const able = new Map(this.#cluster.nodes.filter(node => node.able).map(node => [node.instanceId, node.id]));
    const owned = rows.filter(row => row.state === 'open' && able.has(row.holder ?? ''));
    if (owned.reduce((sum, row) => sum + row.shards, 0) === SHARDS) return '';
    const told = rows.map(row => `${row.shards} of ${able.get(row.holder ?? '') ?? row.holder} (${row.state})`);
    return `${told.join(', ')}; able nodes: ${[...able.values()].join(', ') || 'none'}`;
  }
}

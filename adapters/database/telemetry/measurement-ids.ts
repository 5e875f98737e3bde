import { LRUCache } from 'lru-cache';
import type { Database } from '../database.ts';

type Wanted = { readonly tenantId: number; readonly measurement: string };
/** Names remembered: a tenant has hundreds, a large installation some ten thousand. */
const CACHED_NAMES = 100_000;

/** The small numbers that stand for measurement names in the telemetry table. They never change, so they are cached. */
export class MeasurementIds {
  readonly #database: Database;
  readonly #tenants = new Map<number, LRUCache<string, number>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The id, if it is known here. Call `learn` before for names that may be new. */
  get(tenantId: number, measurement: string): number | undefined {
    return this.#tenants.get(tenantId)?.get(measurement);
  }

  /** Finds or makes the ids of all these names. */
  async learn(wanted: readonly Wanted[]): Promise<void> {
    const names = new Map(wanted.map(one => [`${one.tenantId} ${one.measurement}`, one]));
    const tenantIds = [...names.values()].map(one => one.tenantId);
    const texts = [...names.values()].map(one => one.measurement);
    await this.#database.query(
      `INSERT INTO measurement (tenant_id, name) SELECT * FROM unnest($1::int4[], $2::text[]) ON CONFLICT DO NOTHING`,
      [tenantIds, texts],
    );
    const rows = await this.#database.query<{ tenant_id: number; name: string; measurement_id: number }>(
      `SELECT tenant_id, name, measurement_id FROM measurement
       JOIN unnest($1::int4[], $2::text[]) AS wanted (tenant_id, name) USING (tenant_id, name)`,
      [tenantIds, texts],
    );
    for (const row of rows) this.#tenant(row.tenant_id).set(row.name, row.measurement_id);
  }

  #tenant(tenantId: number): LRUCache<string, number> {
    const known = this.#tenants.get(tenantId);
    if (known) return known;
    const made = new LRUCache<string, number>({ max: CACHED_NAMES });
    this.#tenants.set(tenantId, made);
    return made;
  }
}

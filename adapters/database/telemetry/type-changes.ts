/** Devices that got another type: for nodes that have them in memory. */

import { LRUCache } from 'lru-cache';
import type { Database } from '../database.ts';
import { microsOf } from './days.ts';

type Row = { tenant: string; device: string; us: number };

/** Longer than any transaction takes that changes a device. */
const LOOK_BACK_SECONDS = 60;
/** More than change within that time, mostly. Beyond it some are told twice, which does no harm. */
const SEEN_MAX = 100_000;

export class TypeChanges {
  readonly #database: Pick<Database, 'query'>;
  readonly #seen = new LRUCache<string, number>({ max: SEEN_MAX });

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /** Those that were not told before. */
  async next(): Promise<{ tenant: string; device: string }[]> {
    const rows = await this.#database.query<Row>(
      `SELECT t.slug AS tenant, d.device_id AS device, ${microsOf('d.type_changed_at')} AS us
       FROM device d JOIN tenant t USING (tenant_id)
       WHERE d.type_changed_at > clock_timestamp() - make_interval(secs => $1)`,
      [LOOK_BACK_SECONDS],
    );
    const news = rows.filter(({ tenant, device, us }) => {
      const key = `${tenant}/${device}`;
      const isNew = this.#seen.get(key) !== us;
      this.#seen.set(key, us);
      return isNew;
    });
    return news.map(({ tenant, device }) => ({ tenant, device }));
  }
}

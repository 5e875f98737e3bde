/** What is at a location. */
import type { Database } from '../../adapters/database/database.ts';

type Located = { readonly tenantId: number; readonly id: string };

/** Why it can not be removed. */
export async function occupied(database: Database, { tenantId, id }: Located): Promise<string> {
  const [found] = await database.query<Record<'locations' | 'assets' | 'devices', boolean>>(
    `SELECT EXISTS (SELECT FROM location WHERE tenant_id = $1 AND parent_id = $2) AS locations,
       EXISTS (SELECT FROM asset WHERE tenant_id = $1 AND location_id = $2) AS assets,
       EXISTS (
         SELECT FROM device WHERE tenant_id = $1 AND location ->> 'locationId' = $2
           AND length(location ->> 'locationId') <= 200 AND state <> 'decommissioned') AS devices`,
    [tenantId, id],
  );
  const there = Object.entries(found!).filter(it => it[1]);
  return `There are ${there.map(it => it[0]).join(' and ') || 'others'} at this location: move them first`;
}

/** By id, after `after`. `fits`: as `limitOf` says it. */
export const devicesAt = (
  database: Database,
  { tenantId, id }: Located,
  fits: string | null,
  after: string | undefined,
  limit: number,
): Promise<{ device_id: string }[]> =>
  database.query<{ device_id: string }>(
    `WITH there AS (
       SELECT device_id FROM device
       WHERE tenant_id = $1 AND location ->> 'locationId' = $2 AND length(location ->> 'locationId') <= 200
       UNION
       SELECT device_id FROM asset WHERE tenant_id = $1 AND location_id = $2 AND device_id IS NOT NULL)
     SELECT d.device_id FROM there JOIN device d ON d.tenant_id = $1 AND d.device_id = there.device_id
     WHERE d.state <> 'decommissioned' AND ($3::text IS NULL OR device_fits(d, $3::text::jsonb))
       AND ($4::text IS NULL OR d.device_id > $4)
     ORDER BY d.device_id LIMIT $5`,
    [tenantId, id, fits, after ?? null, limit],
  );

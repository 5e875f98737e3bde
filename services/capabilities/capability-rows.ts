/** The statements about capabilities. Each names its tenant. */
import type { Database } from '../../adapters/database/database.ts';
import type { CapabilityDetail, PropertyDescriptions } from '../../contracts/device-types.contract.ts';

type Asked = { readonly tenantId: number; readonly deviceId: string; readonly capability: string };

/** What a device has, and what its type says of it. Nulls: the type says nothing, or is not described. */
export type CapabilityRow = {
  type: string | null;
  version: number | null;
  updated_at: Date | null;
  properties: PropertyDescriptions | null;
  measurements: readonly string[] | null;
  detail: CapabilityDetail | null;
};

/** Undefined: there is no such device, or it does not have this capability. */
export async function readCapability(
  database: Database,
  { tenantId, deviceId, capability }: Asked,
): Promise<CapabilityRow | undefined> {
  const [row] = await database.query<CapabilityRow>(
    `SELECT t.name AS type, t.version, t.updated_at, t.properties, t.capability_details -> $3 AS detail,
       CASE WHEN t.measurements IS NOT NULL THEN ARRAY(SELECT jsonb_object_keys(t.measurements)) END AS measurements
     FROM device d LEFT JOIN device_type t ON t.tenant_id = d.tenant_id AND t.name = d.device_type
     WHERE d.tenant_id = $1 AND d.device_id = $2 AND ($3::text = ANY (d.capabilities) OR $3::text = ANY (t.capabilities))`,
    [tenantId, deviceId, capability],
  );
  return row;
}

export type UsedRow = { capability: string; devices: number };

/** By name, after `after`: those of devices that are not decommissioned. `fits`: as `limitOf` says it. */
export const listUsed = (
  database: Database,
  tenantId: number,
  fits: string | null,
  after: string | undefined,
  limit: number,
): Promise<UsedRow[]> =>
  database.query<UsedRow>(
    `SELECT capability, count(*)::int AS devices
     FROM device d LEFT JOIN device_type t ON t.tenant_id = d.tenant_id AND t.name = d.device_type
       CROSS JOIN LATERAL (SELECT DISTINCT unnest(d.capabilities || coalesce(t.capabilities, '{}')) AS capability) AS has
     WHERE d.tenant_id = $1 AND d.state <> 'decommissioned' AND ($2::text IS NULL OR device_fits(d, $2::text::jsonb))
       AND ($3::text IS NULL OR capability > $3)
     GROUP BY capability ORDER BY capability LIMIT $4`,
    [tenantId, fits, after ?? null, limit],
  );

import type { Table } from '../../adapters/moleculer-db/table.ts';

export const LOCATION_TABLE: Table = {
  name: 'location',
  key: 'id',
  columns: {
    name: { column: 'name', type: 'text' },
    kind: { column: 'kind', type: 'text' },
    parentId: { column: 'parent_id', type: 'text' },
    coordinates: { column: 'coordinates', type: 'jsonb' },
    address: { column: 'address', type: 'text' },
    metadata: { column: 'metadata', type: 'jsonb' },
    tags: { column: 'tags', type: 'text[]' },
  },
  filters: { parentId: 't.parent_id = ?', kind: 't.kind = ?', tag: 't.tags @> ARRAY[?::text]' },
  // Locations and assets in it are kept by their keys.
  removable: `NOT EXISTS (
    SELECT FROM device d WHERE d.tenant_id = t.tenant_id AND d.location ->> 'locationId' = t.id
      AND length(d.location ->> 'locationId') <= 200 AND d.state <> 'decommissioned')`,
};

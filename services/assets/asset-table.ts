import type { Table } from '../../adapters/moleculer-db/table.ts';

export const ASSET_TABLE: Table = {
  name: 'asset',
  key: 'id',
  columns: {
    name: { column: 'name', type: 'text' },
    model: { column: 'model', type: 'text' },
    manufacturer: { column: 'manufacturer', type: 'text' },
    serialNumber: { column: 'serial_number', type: 'text' },
    installDate: { column: 'install_date', type: 'text' },
    owner: { column: 'owner', type: 'text' },
    locationId: { column: 'location_id', type: 'text' },
    deviceId: { column: 'device_id', type: 'text' },
    parentId: { column: 'parent_id', type: 'text' },
    capabilities: { column: 'capabilities', type: 'jsonb' },
    metadata: { column: 'metadata', type: 'jsonb' },
    tags: { column: 'tags', type: 'text[]' },
  },
  filters: {
    locationId: 't.location_id = ?',
    deviceId: 't.device_id = ?',
    parentId: 't.parent_id = ?',
    tag: 't.tags @> ARRAY[?::text]',
    // For callers that see some devices only, as `limitOf` says it.
    fits: `t.device_id IS NULL OR EXISTS (
      SELECT FROM device d WHERE d.tenant_id = t.tenant_id AND d.device_id = t.device_id AND device_fits(d, ?::text::jsonb))`,
  },
};

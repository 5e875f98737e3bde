import type { Table } from '../../adapters/moleculer-db/table.ts';

export const TYPE_TABLE: Table = {
  name: 'device_type',
  key: 'name',
  columns: {
    description: { column: 'description', type: 'text' },
    commands: { column: 'commands', type: 'jsonb' },
    measurements: { column: 'measurements', type: 'jsonb' },
    properties: { column: 'properties', type: 'jsonb' },
    capabilities: { column: 'capabilities', type: 'text[]' },
    capabilityDetails: { column: 'capability_details', type: 'jsonb' },
    validation: { column: 'validation', type: 'jsonb' },
  },
  removable: `NOT EXISTS (
    SELECT FROM device d WHERE d.tenant_id = t.tenant_id AND d.device_type = t.name AND d.state <> 'decommissioned')`,
};

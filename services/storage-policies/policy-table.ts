import type { Table } from '../../adapters/moleculer-db/table.ts';

export const POLICY_TABLE: Table = {
  name: 'storage_policy',
  key: 'name',
  columns: {
    description: { column: 'description', type: 'text' },
    deviceType: { column: 'device_type', type: 'text' },
    measurement: { column: 'measurement', type: 'text' },
    archiveAfterDays: { column: 'archive_after_days', type: 'int' },
    dropAfterDays: { column: 'drop_after_days', type: 'int' },
    rollupsKeepDays: { column: 'rollups_keep_days', type: 'int' },
  },
};

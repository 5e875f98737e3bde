import type { Table } from '../../adapters/moleculer-db/table.ts';

export const GROUP_TABLE: Table = {
  name: 'device_group',
  key: 'name',
  columns: { description: { column: 'description', type: 'text' } },
};

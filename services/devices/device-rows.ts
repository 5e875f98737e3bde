/** Rows of devices, and how they look outside. */
import type { Database, Reader } from '../../adapters/database/database.ts';
import type { DeviceView, ErasureView, LifecycleState } from '../../contracts/devices.contract.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';

/** Points in time come as the database writes them: to make a date of each, and a text of that, takes twenty times as long. */
export const COLUMNS = `device_id, name, device_type, state, state_reason, state_changed_at::text AS state_changed_at, location, metadata, tags,
  capabilities, command_window, claimed_by, erasure_started_at::text AS erasure_started_at, erased_at::text AS erased_at, version,
  created_at::text AS created_at, updated_at::text AS updated_at`;

export type DeviceRow = {
  device_id: string;
  name: string | null;
  device_type: string | null;
  state: LifecycleState;
  state_reason: string | null;
  state_changed_at: string;
  location: unknown;
  metadata: Record<string, unknown>;
  tags: string[];
  capabilities: string[];
  command_window: number | null;
  claimed_by: string | null;
  erasure_started_at: string | null;
  erased_at: string | null;
  version: number;
  created_at: string;
  updated_at: string;
};

export const deviceView = (row: DeviceRow): DeviceView => ({
  id: row.device_id,
  name: row.name,
  type: row.device_type,
  state: row.state,
  stateReason: row.state_reason,
  stateChangedAt: isoOf(row.state_changed_at),
  location: row.location,
  metadata: row.metadata,
  tags: row.tags,
  capabilities: row.capabilities,
  commandWindow: row.command_window,
  claimedBy: row.claimed_by,
  erasedAt: row.erased_at === null ? null : isoOf(row.erased_at),
  erasure: erasureView(row),
  version: row.version,
  createdAt: isoOf(row.created_at),
  updatedAt: isoOf(row.updated_at),
});

/** ISO 8601 of `2026-01-01 12:00:00.123456+00`, which is in UTC (connection-settings.ts), and has no `0` at its end. */
const isoOf = (text: string): string =>
  `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0').slice(0, 3)}Z`;

function erasureView({ erasure_started_at: startedAt, erased_at: doneAt }: DeviceRow): ErasureView | null {
  if (startedAt === null) return null;
  return {
    state: doneAt === null ? 'running' : 'done',
    startedAt: isoOf(startedAt),
    doneAt: doneAt === null ? null : isoOf(doneAt),
  };
}

export type DeviceName = { readonly tenantId: number; readonly id: string };

/** Reads devices by name, many of them with one query when many ask at once: one for each tenant among them. */
export function deviceReader(database: Database): BatchReader<DeviceName, DeviceView> {
  const reader = database.reader(`SELECT ${COLUMNS} FROM device WHERE tenant_id = $1 AND device_id = ANY($2)`);
  return new BatchReader({
    nameOf: ({ tenantId, id }) => `${tenantId}/${id}`,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 1,
    read: async names => {
      const tenants = Map.groupBy(names, it => it.tenantId);
      const found = await Promise.all([...tenants].map(([tenantId, its]) => read(reader, tenantId, its)));
      return new Map(found.flat());
    },
  });
}

async function read(
  reader: Reader,
  tenantId: number,
  names: readonly DeviceName[],
): Promise<[name: string, device: DeviceView][]> {
  const rows = await reader.read<DeviceRow>([tenantId, names.map(it => it.id)]);
  return rows.map(row => [`${tenantId}/${row.device_id}`, deviceView(row)]);
}

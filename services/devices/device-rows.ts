/** Rows of devices, and how they look outside. */
import type { Database } from '../../adapters/database/database.ts';
import type { DeviceView, ErasureView, LifecycleState } from '../../contracts/devices.contract.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';

export const COLUMNS = `device_id, name, device_type, state, state_reason, state_changed_at, location, metadata, tags, capabilities,
  command_window, claimed_by, erasure_started_at, erased_at, version, created_at, updated_at`;

export type DeviceRow = {
  device_id: string;
  name: string | null;
  device_type: string | null;
  state: LifecycleState;
  state_reason: string | null;
  state_changed_at: Date;
  location: unknown;
  metadata: Record<string, unknown>;
  tags: string[];
  capabilities: string[];
  command_window: number | null;
  claimed_by: string | null;
  erasure_started_at: Date | null;
  erased_at: Date | null;
  version: number;
  created_at: Date;
  updated_at: Date;
};

export const deviceView = (row: DeviceRow): DeviceView => ({
  id: row.device_id,
  name: row.name,
  type: row.device_type,
  state: row.state,
  stateReason: row.state_reason,
  stateChangedAt: row.state_changed_at.toISOString(),
  location: row.location,
  metadata: row.metadata,
  tags: row.tags,
  capabilities: row.capabilities,
  commandWindow: row.command_window,
  claimedBy: row.claimed_by,
  erasedAt: row.erased_at?.toISOString() ?? null,
  erasure: erasureView(row),
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

function erasureView({ erasure_started_at: startedAt, erased_at: doneAt }: DeviceRow): ErasureView | null {
  if (startedAt === null) return null;
  return {
    state: doneAt === null ? 'running' : 'done',
    startedAt: startedAt.toISOString(),
    doneAt: doneAt?.toISOString() ?? null,
  };
}

export type DeviceName = { readonly tenantId: number; readonly id: string };

/** Reads devices by name, many of them with one query when many ask at once: one for each tenant among them. */
export const deviceReader = (database: Database): BatchReader<DeviceName, DeviceView> =>
  new BatchReader({
    nameOf: ({ tenantId, id }) => `${tenantId}/${id}`,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 1,
    read: async names => {
      const tenants = Map.groupBy(names, it => it.tenantId);
      const found = await Promise.all([...tenants].map(([tenantId, its]) => read(database, tenantId, its)));
      return new Map(found.flat());
    },
  });

async function read(
  database: Database,
  tenantId: number,
  names: readonly DeviceName[],
): Promise<[name: string, device: DeviceView][]> {
  const rows = await database.query<DeviceRow>(
    `SELECT ${COLUMNS} FROM device WHERE tenant_id = $1 AND device_id = ANY($2)`,
    [tenantId, names.map(it => it.id)],
  );
  return rows.map(row => [`${tenantId}/${row.device_id}`, deviceView(row)]);
}

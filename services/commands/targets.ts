/** The devices that commands are for, many of them with one query when many ask at once. */
import type { Database } from '../../adapters/database/database.ts';
import type { LifecycleState } from '../../contracts/devices.contract.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';
import type { TypeVersion } from '../../mixins/type-commands.ts';

export type Target = {
  readonly state: LifecycleState;
  /** Undefined: it has no type, or one that says nothing of commands. */
  readonly type: TypeVersion | undefined;
};
export type TargetName = { readonly tenantId: number; readonly deviceId: string };

type TargetRow = {
  tenant_id: number;
  device_id: string;
  state: LifecycleState;
  type: string | null;
  version: number;
  updated_at: Date;
};

export const targetReader = (database: Database): BatchReader<TargetName, Target> =>
  new BatchReader({
    nameOf: ({ tenantId, deviceId }) => `${tenantId}/${deviceId}`,
    batchMaxKeys: 500,
    waitingMaxKeys: 20_000,
    queriesUnderWay: 2,
    read: async names => {
      const rows = await database.query<TargetRow>(
        `SELECT d.tenant_id, d.device_id, d.state, t.name AS type, t.version, t.updated_at
         FROM unnest($1::int[], $2::text[]) AS w (tenant_id, device_id)
         JOIN device d ON d.tenant_id = w.tenant_id AND d.device_id = w.device_id
         LEFT JOIN device_type t ON t.tenant_id = d.tenant_id AND t.name = d.device_type AND t.commands IS NOT NULL`,
        [names.map(it => it.tenantId), names.map(it => it.deviceId)],
      );
      return new Map(rows.map(row => [`${row.tenant_id}/${row.device_id}`, targetOf(row)]));
    },
  });

const targetOf = ({ tenant_id, state, type, version, updated_at }: TargetRow): Target => ({
  state,
  type: type === null ? undefined : { tenantId: tenant_id, name: type, version, changedAtMs: updated_at.getTime() },
});

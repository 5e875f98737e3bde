/** Places, one inside of another. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import type { Transaction } from '../adapters/database/database.ts';
import { tenantAdapter } from '../adapters/moleculer-db/tenant-adapter.ts';
import { treeFault } from '../adapters/moleculer-db/tree.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { type LocationView, locations } from '../contracts/locations.contract.ts';
import { limitOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { once } from '../mixins/idempotency.ts';
import { newId } from '../mixins/new-ids.ts';
import { checkedFields } from '../mixins/resource-fields.ts';
import { TenantResource } from '../mixins/tenant-resource.ts';
import { refuseFault } from '../mixins/tree-faults.ts';
import { LOCATION_TABLE } from './locations/location-table.ts';
import { devicesAt, occupied } from './locations/occupants.ts';
import type { Node } from './node.ts';

/** Everything of one but its metadata. */
const ROW_BYTES = 30_000;

export function locationsService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const { deviceIdMaxLength, idempotencyKeepHours, treeMaxLevels } = limits;
  const isId = (id: string) => isDeviceId(id, deviceIdMaxLength);
  const resource = new TenantResource<LocationView>({
    noun: 'location',
    adapter: tenantAdapter(LOCATION_TABLE),
    database,
    limits,
    rowMaxBytes: limits.metadataMaxBytes + ROW_BYTES,
    isKey: isId,
    inUse: (tenantId, id) => occupied(database, { tenantId, id }),
  });

  /** To be done where it is put there. */
  const checkPlace = (tenantId: number, id: string, parentId: string | null | undefined) => async (tx: Transaction) => {
    if (parentId === null || parentId === undefined) return;
    const fault = isId(parentId)
      ? await treeFault(tx, 'location', { tenantId, id, parentId }, treeMaxLevels)
      : 'unknown_parent';
    refuseFault(fault, parentId, treeMaxLevels);
  };

  return implement(
    locations,
    {
      create(ctx) {
        const { id: wanted, ...said } = ctx.params;
        const rows = resource.of(this, ctx);
        const id = newId(wanted, deviceIdMaxLength);
        const fields = checkedFields(said, ['name'], limits);
        return once({ database, sealer, idempotencyKeepHours }, ctx, ['locations.create', ctx.params], tx =>
          rows.create(tx, id, fields, checkPlace(rows.tenantId, id, fields.parentId)),
        );
      },

      get(ctx) {
        return resource.of(this, ctx).get(ctx.params.id);
      },

      list(ctx) {
        const { limit, cursor, ...filters } = ctx.params;
        return resource.of(this, ctx).list({ limit, cursor }, filters);
      },

      update(ctx) {
        const { id, version, ...said } = ctx.params;
        const rows = resource.of(this, ctx);
        const fields = checkedFields(said, ['name'], limits);
        return rows.update(id, fields, version, checkPlace(rows.tenantId, id, fields.parentId));
      },

      remove(ctx) {
        return resource.of(this, ctx).remove(ctx.params.id, ctx.params.version);
      },

      async devices(ctx) {
        const { id, limit, cursor } = ctx.params;
        const fits = limitOf(ctx);
        const rows = resource.of(this, ctx);
        await rows.get(id);
        const list = ['locations.devices', rows.tenantId, id, fits];
        const size = pageSize(limit, limits);
        const [after] = positionOf<[string]>(list, cursor, TEXT_POSITION) ?? [];
        const found = await devicesAt(database, { tenantId: rows.tenantId, id }, fits, after, size + 1);
        return pageOf(
          list,
          found,
          size,
          row => ({ deviceId: row.device_id }),
          row => [row.device_id],
        );
      },
    },
    resource.schema,
  );
}

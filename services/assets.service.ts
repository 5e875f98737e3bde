/** Things that are somewhere and belong to somebody. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { tenantAdapter } from '../adapters/moleculer-db/tenant-adapter.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { type AssetCapabilities, type AssetView, assets } from '../contracts/assets.contract.ts';
import { implement } from '../contracts/contract.ts';
import type { Limits } from '../contracts/limits.ts';
import { limitOf } from '../mixins/callers.ts';
import { once } from '../mixins/idempotency.ts';
import { newId } from '../mixins/new-ids.ts';
import { checkedFields } from '../mixins/resource-fields.ts';
import { TenantResource } from '../mixins/tenant-resource.ts';
import { checkCapabilities, checkInstallDate, checkReferences, type References } from './assets/asset-fields.ts';
import { ASSET_TABLE } from './assets/asset-table.ts';
import type { Node } from './node.ts';

/** Everything of one but its metadata and capabilities. */
const ROW_BYTES = 30_000;

export function assetsService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const { deviceIdMaxLength, idempotencyKeepHours } = limits;
  const resource = new TenantResource<AssetView>({
    noun: 'asset',
    adapter: tenantAdapter(ASSET_TABLE),
    database,
    limits,
    rowMaxBytes: 2 * limits.metadataMaxBytes + ROW_BYTES,
    isKey: id => isDeviceId(id, deviceIdMaxLength),
    inUse: async () => 'There are assets that are parts of this one: move them first',
  });

  return implement(
    assets,
    {
      create(ctx) {
        const { id: wanted, ...said } = ctx.params;
        const rows = resource.of(this, ctx);
        const id = newId(wanted, deviceIdMaxLength);
        const fields = checked(said, limits);
        const asset = { tenantId: rows.tenantId, id };
        return once({ database, sealer, idempotencyKeepHours }, ctx, ['assets.create', ctx.params], tx =>
          rows.create(tx, id, fields, inner => checkReferences(inner, asset, fields, limits)),
        );
      },

      get(ctx) {
        return resource.of(this, ctx).get(ctx.params.id, seenBy(ctx));
      },

      list(ctx) {
        const { limit, cursor, ...filters } = ctx.params;
        return resource.of(this, ctx).list({ limit, cursor }, { ...filters, ...seenBy(ctx) });
      },

      update(ctx) {
        const { id, version, ...said } = ctx.params;
        const rows = resource.of(this, ctx);
        const fields = checked(said, limits);
        const asset = { tenantId: rows.tenantId, id };
        return rows.update(id, fields, version, tx => checkReferences(tx, asset, fields, limits));
      },

      remove(ctx) {
        return resource.of(this, ctx).remove(ctx.params.id, ctx.params.version);
      },
    },
    resource.schema,
  );
}

/** Rejects with `invalid_request` or `too_large`. */
function checked<F extends References & { installDate?: string | null; capabilities?: AssetCapabilities }>(
  said: F,
  limits: Limits,
): F {
  checkInstallDate(said.installDate);
  checkCapabilities(said.capabilities, limits);
  return checkedFields(said as F & { metadata?: unknown; tags?: readonly string[] }, ['name'], limits);
}

/** An asset that names a device is seen by those who see the device. */
const seenBy = (ctx: Parameters<typeof limitOf>[0]) => ({ fits: limitOf(ctx) ?? undefined });

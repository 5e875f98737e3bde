/** Legal holds. The tenant is the caller's. */
import type { Context, ServiceSchema } from 'moleculer';
import { uuidv7 } from 'uuidv7';
import { waitForRemovals } from '../adapters/database/telemetry/removal-locks.ts';
import { isDeviceId, isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { legalHolds } from '../contracts/legal-holds.contract.ts';
import { audited } from '../mixins/audit.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { memberOf, nameOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { once } from '../mixins/idempotency.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import {
  countOpenHolds,
  findDevice,
  holdView,
  insertHold,
  listHolds,
  type NewHold,
  readHold,
  releaseHold,
} from './legal-holds/hold-rows.ts';
import type { Node } from './node.ts';

type Called = { readonly meta: Meta };

export function legalHoldsService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const kept = { database, sealer, idempotencyKeepHours: limits.idempotencyKeepHours };

  const find = async (ctx: Context<{ id: string }, Meta>) => {
    const { id } = ctx.params;
    const row = isUuid(id) ? await readHold(database, memberOf(ctx).tenantId, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no legal hold "${id.slice(0, 100)}"`);
    return row;
  };

  return implement(
    legalHolds,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, open } = ctx.params;
        const list = ['legal-holds', tenantId, open];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        const rows = await listHolds(database, tenantId, open, before, size + 1);
        return pageOf(list, rows, size, holdView, row => [row.hold_id]);
      },

      async get(ctx) {
        return holdView(await find(ctx));
      },

      create(ctx) {
        const { tenantId } = memberOf(ctx);
        const hold = newHold(ctx, ctx.params);
        const { device_id: deviceId } = hold;
        if (deviceId !== null && !isDeviceId(deviceId, limits.deviceIdMaxLength)) throw unknownDevice(deviceId);
        return once(kept, ctx, ['legal-holds.create', ctx.params], async tx => {
          // Removals and erasures that are beginning end first; those that come after see it.
          await waitForRemovals(tx, tenantId);
          if ((await countOpenHolds(tx, tenantId)) >= limits.legalHoldsMax)
            throw new SkeinError(
              'conflict',
              `An organization has at most ${limits.legalHoldsMax} legal holds at a time`,
            );
          if (deviceId !== null) {
            const device = await findDevice(tx, tenantId, deviceId);
            if (device === undefined) throw unknownDevice(deviceId);
            if (device.isErasing) throw new SkeinError('lifecycle_conflict', 'The device is being erased, or was');
          }
          const row = await insertHold(tx, tenantId, uuidv7(), hold);
          const { reason: _said, madeBy: _caller, ...view } = holdView(row);
          await audited(tx, ctx, 'legal-hold.created', `legal-hold ${row.hold_id}`, view);
          return holdView(row);
        });
      },

      async release(ctx) {
        const { id } = await find(ctx).then(row => ({ id: row.hold_id }));
        const { reason } = ctx.params;
        checkText('reason', reason);
        const caller = memberOf(ctx);
        return database.transaction(async tx => {
          const row = await releaseHold(tx, caller.tenantId, { id, by: nameOf(caller), reason });
          if (row === undefined) throw new SkeinError('conflict', 'The legal hold was released before');
          await audited(tx, ctx, 'legal-hold.released', `legal-hold ${id}`);
          return holdView(row);
        });
      },
    },
    databaseErrors,
  );
}

type Said = {
  readonly deviceId?: string | null;
  readonly deviceType?: string | null;
  readonly measurement?: string | null;
  readonly from?: number | null;
  readonly to?: number | null;
  readonly reason: string;
};

/** Rejects with `invalid_request`. */
function newHold(
  ctx: Called,
  { deviceId = null, deviceType = null, measurement = null, from = null, to = null, reason }: Said,
): NewHold {
  for (const [name, text] of Object.entries({ deviceId, deviceType, measurement, reason }))
    if (text !== null) checkText(name, text);
  if (deviceId === null && deviceType === null && measurement === null && from === null && to === null)
    throw new SkeinError('invalid_request', 'Say what is held: deviceId, deviceType, measurement, from or to');
  if (from !== null && to !== null && to <= from) throw new SkeinError('invalid_request', 'to must be after from');
  return {
    device_id: deviceId,
    device_type: deviceType,
    measurement,
    from_at: momentOf('from', from),
    to_at: momentOf('to', to),
    reason,
    made_by: nameOf(memberOf(ctx)),
  };
}

function momentOf(name: string, ms: number | null): Date | null {
  if (ms === null) return null;
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (!(year >= 1 && year <= 9_999)) throw new SkeinError('invalid_request', `${name} must be of the years 1 to 9999`);
  return date;
}

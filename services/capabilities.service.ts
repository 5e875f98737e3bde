/** What devices can do, by name: the part of a device that a capability is about. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { isDeviceId } from '../contracts/addresses.ts';
import { capabilities } from '../contracts/capabilities.contract.ts';
import { call, implement } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { isStorableText } from '../contracts/json.ts';
import { telemetry } from '../contracts/telemetry.contract.ts';
import { twins } from '../contracts/twins.contract.ts';
import { checkJson } from '../mixins/bounded-json.ts';
import { callerOf, limitOf, memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { inTurn } from '../mixins/pieces.ts';
import { PropertySchemas } from '../mixins/property-schemas.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import { checkDesired, measurementNames, narrowed, patchOf, propertyNames } from './capabilities/capability-parts.ts';
import { listUsed, readCapability } from './capabilities/capability-rows.ts';
import type { Node } from './node.ts';

export function capabilitiesService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  const { limits } = config;
  const schemas = new PropertySchemas(limits.propertySchemasCached);

  /** Rejects with `not_found`. */
  const find = async (tenantId: number, deviceId: string, capability: string) => {
    if (!isDeviceId(deviceId, limits.deviceIdMaxLength)) throw unknownDevice(deviceId);
    const row = isStorableText(capability)
      ? await readCapability(database, { tenantId, deviceId, capability })
      : undefined;
    if (row !== undefined) return row;
    throw new SkeinError(
      'not_found',
      `There is no device "${deviceId}" with the capability "${capability.slice(0, 100)}"`,
    );
  };

  return implement(
    capabilities,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const fits = limitOf(ctx);
        const list = ['capabilities', tenantId, fits];
        const size = pageSize(ctx.params.limit, limits);
        const [after] = positionOf<[string]>(list, ctx.params.cursor, TEXT_POSITION) ?? [];
        const found = await inTurn(database, limits, () => listUsed(database, tenantId, fits, after, size + 1));
        return pageOf(
          list,
          found,
          size,
          row => ({ capability: row.capability, deviceCount: row.devices }),
          row => [row.capability],
        );
      },

      async get(ctx) {
        const { capability, deviceId } = ctx.params;
        const row = await find(callerOf(ctx).tenantId, deviceId, capability);
        // Both look themselves whether the caller may see that.
        const [twin, { values }] = await Promise.all([
          call(ctx, twins.get, { id: deviceId }),
          call(ctx, telemetry.latest, { id: deviceId }),
        ]);
        const names = propertyNames(row);
        const reported = narrowed(twin.reported, names);
        const desired = narrowed(twin.desired, names);
        return { capability, deviceId, reported, desired, latest: narrowed(values, measurementNames(row)) };
      },

      async put(ctx) {
        const { capability, deviceId } = ctx.params;
        const { tenantId } = memberOf(ctx);
        const patch = patchOf(ctx.params.properties);
        checkJson('The properties', patch, limits.messageMaxBytes, limits.twinMaxDepth);
        const row = await find(tenantId, deviceId, capability);
        checkDesired(row, tenantId, patch, schemas);
        const { desired } = await call(ctx, twins.patchDesired, { id: deviceId, patch });
        return { capability, deviceId, desired: narrowed(desired, propertyNames(row)) };
      },
    },
    databaseErrors,
  );
}

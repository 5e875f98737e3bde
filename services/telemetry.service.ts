/** Telemetry over REST and from other services: what was stored, and sending more. */
import type { ServiceSchema } from 'moleculer';
import { TelemetrySpans } from '../adapters/database/telemetry/reading/spans.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import type { ArchivedReadings } from '../contracts/archive.ts';
import { implement } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { telemetry } from '../contracts/telemetry.contract.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import { callerOf, limitOf, memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import type { Node } from './node.ts';
import { aggregate, top } from './telemetry/across.ts';
import { latestOfDevice, latestOfMany } from './telemetry/latest.ts';
import type { ReadingParts } from './telemetry/parts.ts';
import { checkNames, type DeviceSource, sourceOfDevice } from './telemetry/selection.ts';
import { send } from './telemetry/sending.ts';
import { series } from './telemetry/series.ts';

/** @param archive readings that are no longer in the database; null: there are none */
export function telemetryService(
  { config, database }: Pick<Node, 'config' | 'database'>,
  ingress: Ingress,
  archive: ArchivedReadings | null = null,
): ServiceSchema {
  const { limits } = config;
  const parts: ReadingParts = { database, limits, archive, spans: new TelemetrySpans(database) };

  const find = async (tenantId: number, id: string, names: string[] | undefined): Promise<DeviceSource> => {
    checkNames(names, limits);
    const source = isDeviceId(id, limits.deviceIdMaxLength)
      ? await sourceOfDevice(database, tenantId, id, names)
      : undefined;
    if (source === undefined) throw unknownDevice(id);
    return source;
  };

  return implement(
    telemetry,
    {
      async latest(ctx) {
        const { id, measurements } = ctx.params;
        const source = await find(callerOf(ctx).tenantId, id, measurements);
        return { deviceId: id, values: await latestOfDevice(database, source) };
      },

      async latestOfMany(ctx) {
        const { measurements: names, limit, cursor, ...choice } = ctx.params;
        const { tenantId } = memberOf(ctx);
        checkNames(names, limits);
        const size = pageSize(limit, limits);
        const list = ['telemetry.latest', tenantId, names, choice];
        const [after] = positionOf<[string]>(list, cursor, TEXT_POSITION) ?? [];
        const asked = { tenantId, within: limitOf(ctx), choice, names, after, limit: size + 1 };
        const rows = await latestOfMany(database, asked, limits);
        return pageOf(
          list,
          rows,
          size,
          row => row,
          row => [row.deviceId],
        );
      },

      series(ctx) {
        const { tenantId } = callerOf(ctx);
        const { id, measurements } = ctx.params;
        return series(parts, ctx.params, tenantId, () => find(tenantId, id, measurements));
      },

      aggregate(ctx) {
        const { deviceIds, type, tag, group, ...params } = ctx.params;
        const { tenantId } = memberOf(ctx);
        return aggregate(parts, params, { tenantId, within: limitOf(ctx), choice: { deviceIds, type, tag, group } });
      },

      top(ctx) {
        const { deviceIds, type, tag, group, ...params } = ctx.params;
        const { tenantId } = memberOf(ctx);
        return top(parts, params, { tenantId, within: limitOf(ctx), choice: { deviceIds, type, tag, group } });
      },

      async send(ctx) {
        const caller = callerOf(ctx);
        const { items } = ctx.params;
        if (items.length === 0) throw new SkeinError('invalid_request', 'There is no item');
        if (items.length > limits.requestTelemetryMaxItems)
          throw new SkeinError('too_large', `One request carries at most ${limits.requestTelemetryMaxItems} items`);
        const idempotency = ctx.meta.idempotency;
        return send({ database, ingress, limits }, caller, items, { idempotency, within: limitOf(ctx) });
      },
    },
    databaseErrors,
  );
}

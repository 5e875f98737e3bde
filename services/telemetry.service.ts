/** Telemetry over REST and from other services: what was stored, and sending more. */
import type { ServiceSchema } from 'moleculer';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { AGGREGATES, type Aggregate, type Bucket, type Reading, telemetry } from '../contracts/telemetry.contract.ts';
import type { Ingress } from '../contracts/uplinks.ts';
import { callerOf, limitOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import type { Node } from './node.ts';
import { send } from './telemetry/sending.ts';
import {
  type After,
  type BucketRow,
  buckets,
  latestValues,
  type ReadingRow,
  readings,
  sourceOf,
  storedValue,
} from './telemetry/series.ts';
import { intervalSeconds, isoOfMicros, rangeOf } from './telemetry/timestamps.ts';

export function telemetryService(
  { config, database }: Pick<Node, 'config' | 'database'>,
  ingress: Ingress,
): ServiceSchema {
  const { limits } = config;

  return implement(
    telemetry,
    {
      async latest(ctx) {
        const { id } = ctx.params;
        const { tenantId } = callerOf(ctx);
        const values = isDeviceId(id, limits.deviceIdMaxLength) && (await latestValues(database, tenantId, id));
        if (!values) throw unknownDevice(id);
        return { deviceId: id, values };
      },

      async series(ctx) {
        const { id, measurements, from, to, limit, cursor, interval, aggregate } = ctx.params;
        const { tenantId } = callerOf(ctx);
        if (aggregate !== undefined && interval === undefined)
          throw new SkeinError('invalid_request', 'aggregate needs an interval');
        const seconds = interval === undefined ? undefined : intervalSeconds(interval);
        const range = rangeOf(from, to);
        const size = pageSize(limit, limits);
        // Without the range: `?hours=24` begins later with each page.
        const list = ['telemetry', tenantId, id, measurements, seconds];
        const after = positionOf<After>(list, cursor);
        const source = isDeviceId(id, limits.deviceIdMaxLength)
          ? await sourceOf(database, tenantId, id, measurements)
          : undefined;
        if (source === undefined) throw unknownDevice(id);
        const place = (row: ReadingRow | BucketRow): After => [row.us, row.measurement_id];
        if (seconds === undefined) {
          const rows = await readings(database, source, range, after, size + 1);
          return pageOf(list, rows, size, readingView, place);
        }
        const rows = await buckets(database, source, range, after, size + 1, seconds);
        return pageOf(list, rows, size, row => bucketView(row, aggregate ?? AGGREGATES), place);
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

const readingView = (row: ReadingRow): Reading => ({
  timestamp: isoOfMicros(row.us),
  measurement: row.name,
  value: storedValue(row),
  quality: null,
});

const bucketView = (row: BucketRow, aggregates: readonly Aggregate[]): Bucket => ({
  timestamp: isoOfMicros(row.us),
  measurement: row.name,
  ...Object.fromEntries(aggregates.map(name => [name, row[name]])),
});

/** The registry of devices. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { uuidv7 } from 'uuidv7';
import { actors } from '../contracts/actors.contract.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { announce, implement } from '../contracts/contract.ts';
import { type DeviceView, devices, LIFECYCLE_STATES } from '../contracts/devices.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { callerOf, memberOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { once } from '../mixins/idempotency.ts';
import { announceRevoked } from '../mixins/revocations.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import { checkFields } from './devices/device-fields.ts';
import { type DeviceName, type DeviceRow, deviceReader, deviceView } from './devices/device-rows.ts';
import { decommissionDevice, insertDevice, listDevices, updateDevice } from './devices/registry.ts';
import type { Node } from './node.ts';

export function devicesService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const { idempotencyKeepHours } = limits;
  const reader = deviceReader(database);

  const find = async (name: DeviceName): Promise<DeviceView> => {
    // An id that no device can have isn't looked for: the database refuses some of its characters.
    const device = isDeviceId(name.id, limits.deviceIdMaxLength) ? await reader.load(name) : undefined;
    if (device === undefined) throw unknownDevice(name.id);
    return device;
  };

  return implement(
    devices,
    {
      async register(ctx) {
        const { tenantId } = memberOf(ctx);
        const { id: wanted, ...fields } = ctx.params;
        const id = wanted ?? uuidv7();
        if (!isDeviceId(id, limits.deviceIdMaxLength))
          throw new SkeinError(
            'invalid_request',
            `id must be 1 to ${limits.deviceIdMaxLength} letters, digits or . _ : @ -, and begin with a letter or digit`,
          );
        checkFields(fields, limits);
        const kept = { database, sealer, idempotencyKeepHours };
        return once(kept, ctx, ['devices.register', ctx.params], async tx => {
          const { row, apiKey } = await insertDevice(tx, { tenantId, id }, fields);
          return { device: deviceView(row), credentials: { apiKey } };
        });
      },

      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, ...filter } = ctx.params;
        if (filter.state !== undefined && !LIFECYCLE_STATES.some(it => it === filter.state))
          throw new SkeinError('invalid_request', `state must be one of ${LIFECYCLE_STATES.join(', ')}`);
        const list = ['devices', tenantId, filter.type, filter.state, filter.tag];
        const size = pageSize(limit, limits);
        const [after] = positionOf<[string]>(list, cursor) ?? [];
        const rows = await listDevices(database, tenantId, filter, after, size + 1);
        return pageOf<DeviceRow, DeviceView>(list, rows, size, deviceView, row => [row.device_id]);
      },

      async get(ctx) {
        const { tenantId } = callerOf(ctx);
        return find({ tenantId, id: ctx.params.id });
      },

      async update(ctx) {
        const { tenant, tenantId } = memberOf(ctx);
        const { id, version, ...fields } = ctx.params;
        checkFields(fields, limits);
        const before = await find({ tenantId, id });
        if (before.state === 'decommissioned' || (version ?? before.version) !== before.version)
          throw unchangeable(before);
        if (Object.keys(fields).length === 0) return before;
        const row = await updateDevice(database, { tenantId, id }, fields, version);
        if (row === undefined) throw unchangeable(await find({ tenantId, id }));
        announce(ctx.broker, actors.changed, { tenant, device: id });
        return deviceView(row);
      },

      async decommission(ctx) {
        const { tenant, tenantId } = memberOf(ctx);
        const { id, version } = ctx.params;
        await find({ tenantId, id });
        const row = await decommissionDevice(database, { tenantId, id }, version);
        const now = row === undefined ? await find({ tenantId, id }) : deviceView(row);
        if (now.state !== 'decommissioned') throw unchangeable(now);
        // Told again each time: telling is at most once, and who asks twice may do so because it did not work.
        announceRevoked(ctx.broker, [{ kind: 'device', tenant, subject: id }]);
        announce(ctx.broker, actors.changed, { tenant, device: id });
        return now;
      },
    },
    databaseErrors,
  );
}

/** Why a change did not happen to a device that is there. */
const unchangeable = (device: DeviceView): SkeinError =>
  device.state === 'decommissioned'
    ? new SkeinError('lifecycle_conflict', 'A decommissioned device can not be changed')
    : new SkeinError('stale_version', `The device has version ${device.version}`, { version: device.version });

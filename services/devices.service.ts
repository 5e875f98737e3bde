/** The registry of devices and their lifecycle. The tenant is the caller's. */
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { uuidv7 } from 'uuidv7';
import { DeviceTokens } from '../adapters/access/device-credentials.ts';
import { TwinRemoval } from '../adapters/redis/twin-removal.ts';
import { actors } from '../contracts/actors.contract.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { certificates } from '../contracts/certificates.contract.ts';
import { announce, call, implement } from '../contracts/contract.ts';
import { type DeviceView, devices, type LifecycleStep } from '../contracts/devices.contract.ts';
import { audited } from '../mixins/audit.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { callerOf, limitOf, memberOf, nameOf } from '../mixins/callers.ts';
import { NUMBER_POSITION, pageOf, pageSize, positionOf, TEXT_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { checkFields } from '../mixins/device-fields.ts';
import { refuseMarksOfOwnRoles } from '../mixins/giving.ts';
import { once } from '../mixins/idempotency.ts';
import { withinQuota } from '../mixins/quotas.ts';
import { announceRevoked } from '../mixins/revocations.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import { filterOf } from './devices/device-filter.ts';
import { type DeviceName, type DeviceRow, deviceReader, deviceView } from './devices/device-rows.ts';
import { Eraser } from './devices/eraser.ts';
import { readSteps, type StepRow, stepView } from './devices/lifecycle.ts';
import { newMarks } from './devices/new-marks.ts';
import { invalidId, notToProvision, unchangeable } from './devices/refusals.ts';
import { insertDevice, listDevices, updateDevice } from './devices/registry.ts';
import { type Moved, mover } from './devices/transactions.ts';
import type { Node } from './node.ts';

type Parts = Pick<Node, 'config' | 'database' | 'archive' | 'log' | 'sealer'>;
const DAY_SECONDS = 24 * 3600;

export function devicesService({ config, database, archive, log, sealer }: Parts): ServiceSchema {
  const { limits, redisUrl } = config;
  const { idempotencyKeepHours } = limits;
  const reader = deviceReader(database);
  const tokens = new DeviceTokens({ config, database, sealer });
  const copies = redisUrl === undefined ? undefined : new TwinRemoval(redisUrl, limits);
  const eraser = new Eraser({
    database,
    files: archive.files,
    limits,
    log,
    forgetCopies: async address => copies === undefined || copies.remove(address),
  });
  const { move, provision, erase } = mover({ config, database });

  const find = async (name: DeviceName): Promise<DeviceView> => {
    // An id that no device can have isn't looked for: the database refuses some of its characters.
    const device = isDeviceId(name.id, limits.deviceIdMaxLength) ? await reader.load(name) : undefined;
    if (device === undefined) throw unknownDevice(name.id);
    return device;
  };

  const newToken = (tenant: string, device: string) =>
    tokens.make({ tenant, device }, { scopes: null, ttlSeconds: limits.deviceTokenDays * DAY_SECONDS });

  /** Told again each time: telling is at most once, and who asks twice may do so because it did not work. */
  const tell = (broker: ServiceBroker, tenant: string, { row, revoked }: Moved): DeviceView => {
    announceRevoked(broker, revoked);
    announce(broker, actors.changed, { tenant, device: row.device_id });
    return deviceView(row);
  };

  return implement(
    devices,
    {
      async register(ctx) {
        const caller = memberOf(ctx);
        const { tenant, tenantId } = caller;
        const { id: wanted, ...fields } = ctx.params;
        const id = wanted ?? uuidv7();
        if (!isDeviceId(id, limits.deviceIdMaxLength)) throw invalidId(limits);
        checkFields(fields, limits);
        const token = await newToken(tenant, id);
        const kept = { database, sealer, idempotencyKeepHours };
        return once(kept, ctx, ['devices.register', ctx.params], async tx => {
          await withinQuota(tx, limits, tenantId, 'devices');
          const { row, apiKey } = await insertDevice(tx, { tenantId, id, registeredBy: nameOf(caller), token }, fields);
          await audited(tx, ctx, 'device.registered', `device ${id}`);
          return { device: deviceView(row), credentials: { apiKey, token: token.text } };
        });
      },

      async list(ctx) {
        const caller = memberOf(ctx);
        const { tenantId } = caller;
        const { limit, cursor, ...wanted } = ctx.params;
        const filter = filterOf(wanted, caller);
        const within = limitOf(ctx);
        const { type, state, tag, group, claimed } = filter;
        const list = ['devices', tenantId, type, state, tag, group, claimed, within];
        const size = pageSize(limit, limits);
        const [after] = positionOf<[string]>(list, cursor, TEXT_POSITION) ?? [];
        const rows = await listDevices(database, { tenantId, within, filter, after, limit: size + 1 });
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
        const marks = newMarks(before, fields);
        refuseMarksOfOwnRoles(memberOf(ctx), marks);
        const row = await database.transaction(async tx => {
          const changed = await updateDevice(tx, { tenantId, id }, fields, version);
          // A role may be limited to them, so they say who may do what with the device.
          if (changed !== undefined && (fields.tags !== undefined || fields.type !== undefined))
            await audited(tx, ctx, 'device.changed', `device ${id}`, { tags: changed.tags, type: changed.device_type });
          return changed;
        });
        if (row === undefined) throw unchangeable(await find({ tenantId, id }));
        announce(ctx.broker, actors.changed, { tenant, device: id });
        return deviceView(row);
      },

      async changeState(ctx) {
        const { state: to, reason, version } = ctx.params;
        if (reason) checkText('reason', reason);
        return tell(ctx.broker, memberOf(ctx).tenant, await move(ctx, { to, reason, version }));
      },

      async decommission(ctx) {
        const { version } = ctx.params;
        return tell(ctx.broker, memberOf(ctx).tenant, await move(ctx, { to: 'decommissioned', version }));
      },

      async history(ctx) {
        const { tenantId } = memberOf(ctx);
        const { id, limit, cursor } = ctx.params;
        const list = ['devices.lifecycle', tenantId, id];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[number]>(list, cursor, NUMBER_POSITION) ?? [];
        const rows = isDeviceId(id, limits.deviceIdMaxLength)
          ? await readSteps(database, tenantId, id, before, size + 1)
          : undefined;
        if (rows === undefined) throw unknownDevice(id);
        return pageOf<StepRow, LifecycleStep>(list, rows, size, stepView, row => [row.step_id]);
      },

      async provision(ctx) {
        const { tenant, tenantId } = memberOf(ctx);
        const { id, csr, certificate: isWanted = true } = ctx.params;
        const { state } = await find({ tenantId, id });
        if (state === 'suspended' || state === 'decommissioned') throw notToProvision(state);
        // The certificate comes first: without one nothing is done, and one that nobody got is of no use to anybody.
        const certificate =
          isWanted || csr !== undefined ? await call(ctx, certificates.issue, { id, csr }) : undefined;
        const { provisioned, ...moved } = await provision(ctx, await newToken(tenant, id));
        tell(ctx.broker, tenant, moved);
        return certificate === undefined
          ? provisioned
          : { ...provisioned, credentials: { ...provisioned.credentials, certificate } };
      },

      async erase(ctx) {
        const view = tell(ctx.broker, memberOf(ctx).tenant, await erase(ctx, ctx.params.decommission === true));
        eraser.wake();
        return view;
      },
    },
    {
      ...databaseErrors,
      started: () => eraser.start(),
      async stopped() {
        await eraser.stop();
        copies?.close();
      },
    },
  );
}

/** How devices come to their identity (batches, zero touch), and to their user (claims). The tenant is the caller's, or the batch's. */
import type { ServiceSchema } from 'moleculer';
import { Authorities } from '../adapters/certificates/authorities.ts';
import type { Transaction } from '../adapters/database/database.ts';
import { attemptRates } from '../adapters/limits/index.ts';
import type { RateLimiter } from '../adapters/limits/rate.ts';
import { isDeviceId, isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { provisioning } from '../contracts/provisioning.contract.ts';
import { audited } from '../mixins/audit.ts';
import { memberOf, nameOf } from '../mixins/callers.ts';
import { pageOf, pageSize, positionOf, TEXT_POSITION, UUID_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { once } from '../mixins/idempotency.ts';
import { announceRevoked, revoke } from '../mixins/revocations.ts';
import type { Node } from './node.ts';
import { withinAttempts } from './provisioning/attempts.ts';
import {
  type BatchDeviceRow,
  batchDeviceView,
  devicesOf,
  readDevice,
  resetDevice,
} from './provisioning/batch-devices.ts';
import { type BatchRow, batchView, listBatches, lockBatch, readBatch, updateBatch } from './provisioning/batch-rows.ts';
import { claimant, claimDevice, newClaimCode, releaseDevice } from './provisioning/claiming.ts';
import { prepareCredential } from './provisioning/first-credentials.ts';
import { addDevices, checkBatch, checkIds, expiryOf, makeBatch, rotateSecret } from './provisioning/new-batches.ts';
import { Refusals } from './provisioning/refusals.ts';
import { type Attempt, type Batch, notGood, shownBatch } from './provisioning/shown-batches.ts';
import { provision } from './provisioning/zero-touch.ts';

type Called = { readonly meta: Meta; readonly params: { readonly id: string } };

export function provisioningService({
  config,
  database,
  sealer,
  log,
}: Pick<Node, 'config' | 'database' | 'sealer' | 'log'>): ServiceSchema {
  const { limits, redisUrl } = config;
  const { idempotencyKeepHours, provisioningAttemptsPerMinute, claimAttemptsPerMinute } = limits;
  const kept = { database, sealer, idempotencyKeepHours };
  const refusals = new Refusals(database, err => log.warn({ err }, 'could not write down a refused attempt'));
  const authorities = new Authorities({ database, sealer, longestDays: limits.deviceCertificateMaxDays });
  let provisionings: RateLimiter | undefined;
  let claims: RateLimiter | undefined;

  /** Of the caller's tenant. Rejects with `not_found`. */
  const find = async (ctx: Called, read: typeof readBatch, db: Pick<Transaction, 'query'> = database) => {
    const { id } = ctx.params;
    const row = isUuid(id) ? await read(db, memberOf(ctx).tenantId, id) : undefined;
    if (row === undefined) throw new SkeinError('not_found', `There is no batch "${id.slice(0, 100)}"`);
    return row;
  };
  /** In one transaction, in which nobody else changes it. */
  const changing = <T>(ctx: Called, work: (tx: Transaction, batch: BatchRow) => Promise<T>): Promise<T> =>
    database.transaction(async tx => work(tx, await find(ctx, lockBatch, tx)));

  const provisioned = async (batch: Batch, attempt: Attempt) =>
    provision(database, limits, batch, attempt, await prepareCredential(authorities, limits, attempt));

  return implement(
    provisioning,
    {
      async createBatch(ctx) {
        const caller = memberOf(ctx);
        checkBatch(ctx.params, limits);
        const by = { tenantId: caller.tenantId, createdBy: nameOf(caller), limits };
        const make = async (tx: Transaction) => {
          const made = await makeBatch(tx, ctx.params, by);
          const { id, name, admits, maxDevices, expiresAt } = made.batch;
          await audited(tx, ctx, 'batch.created', `batch ${id}`, { name, admits, maxDevices, expiresAt });
          return made;
        };
        return ctx.meta.idempotency === undefined
          ? database.transaction(make)
          : once(kept, ctx, ['provisioning.createBatch', ctx.params], make);
      },

      async listBatches(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, state } = ctx.params;
        const list = ['provisioning.batches', tenantId, state];
        const size = pageSize(limit, limits);
        const [before] = positionOf<[string]>(list, cursor, UUID_POSITION) ?? [];
        const rows = await listBatches(database, tenantId, state, before, size + 1);
        return pageOf(list, rows, size, batchView, row => [row.batch_id]);
      },

      async getBatch(ctx) {
        return batchView(await find(ctx, readBatch));
      },

      async changeBatch(ctx) {
        const { state, maxDevices, expiresAt } = ctx.params;
        const change = { state: state ?? undefined, maxDevices, expiresAt: expiryOf(expiresAt) };
        return changing(ctx, async (tx, batch) => {
          const row = await updateBatch(tx, batch, change);
          await audited(tx, ctx, 'batch.changed', `batch ${batch.batch_id}`, { state, maxDevices, expiresAt });
          return batchView(row);
        });
      },

      async addDevices(ctx) {
        const { deviceIds } = ctx.params;
        checkIds(deviceIds, limits);
        return changing(ctx, async (tx, batch) => {
          if (batch.admits !== 'listed')
            throw new SkeinError('invalid_request', 'The batch admits any device: it lists none');
          const counted = await addDevices(tx, batch, deviceIds, limits);
          await audited(tx, ctx, 'batch.changed', `batch ${batch.batch_id}`, counted);
          return counted;
        });
      },

      async listDevices(ctx) {
        const { limit, cursor, state } = ctx.params;
        const batch = await find(ctx, readBatch);
        const list = ['provisioning.devices', batch.batch_id, state];
        const size = pageSize(limit, limits);
        const [after] = positionOf<[string]>(list, cursor, TEXT_POSITION) ?? [];
        const rows = await devicesOf(database, batch, state, after, size + 1);
        return pageOf<BatchDeviceRow, ReturnType<typeof batchDeviceView>>(list, rows, size, batchDeviceView, row => [
          row.device_id,
        ]);
      },

      async resetDevice(ctx) {
        const { tenant } = memberOf(ctx);
        const { deviceId } = ctx.params;
        const revoked = [{ kind: 'device', tenant, subject: deviceId }] as const;
        const view = await changing(ctx, async (tx, batch) => {
          const isPossible = isDeviceId(deviceId, limits.deviceIdMaxLength);
          const device = isPossible ? await readDevice(tx, batch.batch_id, deviceId) : undefined;
          if (device === undefined)
            throw new SkeinError('not_found', `The batch has no device "${deviceId.slice(0, 100)}"`);
          if (device.provisioned_at === null) return batchDeviceView(device);
          await resetDevice(tx, batch.batch_id, device);
          await revoke(tx, revoked);
          const data = { device: deviceId };
          await audited(tx, ctx, 'batch.device-reset', `batch ${batch.batch_id}`, data);
          return batchDeviceView({ ...device, provisioned_at: null });
        });
        announceRevoked(ctx.broker, revoked);
        return view;
      },

      async rotate(ctx) {
        return changing(ctx, async (tx, batch) => {
          const made = await rotateSecret(tx, batch);
          await audited(tx, ctx, 'batch.rotated', `batch ${batch.batch_id}`);
          return made;
        });
      },

      async provision(ctx) {
        const { deviceId } = ctx.params;
        const address = ctx.meta.address ?? null;
        await withinAttempts(provisionings!, provisioningAttemptsPerMinute, [`address ${address}`]);
        if (!isDeviceId(deviceId, limits.deviceIdMaxLength))
          throw new SkeinError('invalid_request', 'deviceId is no id that a device can have');
        const attempt = { ...ctx.params, certificate: ctx.meta.certificate, address };
        const { batch, isGood } = await shownBatch(database, attempt);
        if (batch !== undefined && isGood) return refusals.noting(batch, attempt, provisioned(batch, attempt));
        if (batch !== undefined) refusals.noteLater(batch, attempt);
        throw notGood(attempt);
      },

      async claimCode(ctx) {
        const { tenantId } = memberOf(ctx);
        const { id, ttlSeconds } = ctx.params;
        const seconds = ttlSeconds ?? limits.claimCodeKeepDays * 24 * 3600;
        return database.transaction(async tx => {
          const made = await newClaimCode(tx, tenantId, id, seconds);
          await audited(tx, ctx, 'claim-code.created', `device ${id}`, { expiresAt: made.expiresAt });
          return made;
        });
      },

      async claim(ctx) {
        const caller = memberOf(ctx);
        const keys = [`user ${caller.kind} ${caller.id}`, `address ${ctx.meta.address ?? ''}`];
        await withinAttempts(claims!, claimAttemptsPerMinute, keys);
        return database.transaction(async tx => {
          const userId = await claimant(tx, caller);
          const claimed = await claimDevice(tx, caller.tenantId, userId, ctx.params.claimCode);
          await audited(tx, ctx, 'device.claimed', `device ${claimed.deviceId}`);
          return claimed;
        });
      },

      async release(ctx) {
        const caller = memberOf(ctx);
        const { id } = ctx.params;
        return database.transaction(async tx => {
          const { view, before } = await releaseDevice(tx, caller, id);
          if (before !== null) await audited(tx, ctx, 'device.released', `device ${id}`, { claimedBy: before });
          return view;
        });
      },
    },
    {
      ...databaseErrors,
      started() {
        provisionings = attemptRates('provisioning', provisioningAttemptsPerMinute, limits, redisUrl);
        claims = attemptRates('claim', claimAttemptsPerMinute, limits, redisUrl);
      },
      async stopped() {
        provisionings?.close();
        claims?.close();
        await refusals.settled();
      },
    },
  );
}

/** What happens to a device in one transaction: its state, its credentials, what is revoked, and the audit log. */
import type { NewToken } from '../../adapters/access/device-credentials.ts';
import type { Database, Transaction } from '../../adapters/database/database.ts';
import type { Config } from '../../config.ts';
import type { Revocation } from '../../contracts/access.contract.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import type { Meta } from '../../contracts/contract.ts';
import type { LifecycleState, Provisioned } from '../../contracts/devices.contract.ts';
import { audited } from '../../mixins/audit.ts';
import { memberOf, nameOf } from '../../mixins/callers.ts';
import { revoke } from '../../mixins/revocations.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import type { DeviceRow } from './device-rows.ts';
import { beginErasure } from './erasing.ts';
import { actOf, changeState, type Held, holdDevice } from './lifecycle.ts';
import { configurationOf, replaceCredentials } from './provisioning.ts';
import { notErasable, notToProvision } from './refusals.ts';

type Called = { readonly meta: Meta; readonly params: { readonly id: string } };
type Wanted = { readonly to: LifecycleState; readonly reason?: string; readonly version?: number };
/** The device as it is now, and what is to be announced after the commit. */
export type Moved = { readonly row: DeviceRow; readonly revoked: readonly Revocation[] };

const STOPPED: ReadonlySet<LifecycleState> = new Set(['suspended', 'decommissioned']);

export function mover({ config, database }: { readonly config: Config; readonly database: Database }) {
  /** Nobody else changes the device meanwhile. Rejects with `not_found`. */
  const holding = <T>(ctx: Called, work: (tx: Transaction, held: Held) => Promise<T>): Promise<T> => {
    const { tenantId } = memberOf(ctx);
    const { id } = ctx.params;
    if (!isDeviceId(id, config.limits.deviceIdMaxLength)) throw unknownDevice(id);
    return database.transaction(async tx => work(tx, await holdDevice(tx, tenantId, id)));
  };

  /** To be told whether or not it came to this state just now. */
  const revocationOf = (ctx: Called, state: LifecycleState): Revocation[] =>
    STOPPED.has(state) ? [{ kind: 'device', tenant: memberOf(ctx).tenant, subject: ctx.params.id }] : [];

  const take = async (
    tx: Transaction,
    ctx: Called,
    held: Held,
    { to, reason, version }: Wanted,
  ): Promise<DeviceRow> => {
    const row = await changeState(tx, held, { to, reason, version, changedBy: nameOf(memberOf(ctx)) });
    if (held.state === to) return row;
    await revoke(tx, revocationOf(ctx, to));
    return row;
  };

  const move = (ctx: Called, wanted: Wanted): Promise<Moved> =>
    holding(ctx, async (tx, held) => {
      const row = await take(tx, ctx, held, wanted);
      const { to } = wanted;
      if (held.state !== to)
        await audited(tx, ctx, actOf(held.state, to), `device ${row.device_id}`, { from: held.state, to });
      return { row, revoked: revocationOf(ctx, to) };
    });

  /** With the token in place of the one of the time before. */
  const provision = (ctx: Called, token: NewToken): Promise<Moved & { readonly provisioned: Provisioned }> =>
    holding(ctx, async (tx, held) => {
      const caller = memberOf(ctx);
      if (STOPPED.has(held.state)) throw notToProvision(held.state);
      const row = held.state === 'registered' ? await take(tx, ctx, held, { to: 'provisioned' }) : held;
      const { keyId, apiKey, ended } = await replaceCredentials(tx, held, caller.tenant, token, nameOf(caller));
      await revoke(tx, ended);
      const revoked = ended.map(it => it.subject);
      const issued = { from: held.state, to: row.state, keyId, tokenId: token.id, revoked };
      await audited(tx, ctx, 'device.provisioned', `device ${row.device_id}`, issued);
      const provisioned = {
        deviceId: row.device_id,
        status: row.state,
        configuration: configurationOf(config, row.device_id),
        credentials: { apiKey, token: token.text },
      };
      return { row, revoked: ended, provisioned };
    });

  /** The rest of it is erased behind the answer. Again: changes nothing. */
  const erase = (ctx: Called, decommissions: boolean): Promise<Moved> =>
    holding(ctx, async (tx, held) => {
      const to = 'decommissioned';
      if (held.state !== to && !decommissions) throw notErasable(held.state);
      const revoked = revocationOf(ctx, to);
      const moved = await take(tx, ctx, held, { to });
      if (held.erasure_started_at !== null) return { row: moved, revoked };
      // A device that had ended before: that it is erased must reach each node that still has its actor, whatever becomes of a message.
      if (held.state === to) await revoke(tx, revoked);
      const row = await beginErasure(tx, memberOf(ctx).tenantId, held.device_uid);
      const target = `device ${row.device_id}`;
      if (held.state !== to) await audited(tx, ctx, 'device.decommissioned', target, { from: held.state, to });
      await audited(tx, ctx, 'device.erased', target);
      return { row, revoked };
    });

  return { move, provision, erase };
}

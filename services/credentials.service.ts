/** Keys and tokens of devices. The tenant is the caller's. */
import type { ServiceSchema } from 'moleculer';
import { DeviceTokens, insertToken } from '../adapters/access/device-credentials.ts';
import type { Transaction } from '../adapters/database/database.ts';
import type { Revocation } from '../contracts/access.contract.ts';
import { isDeviceId, isUuid } from '../contracts/addresses.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { credentials } from '../contracts/credentials.contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { audited } from '../mixins/audit.ts';
import { checkText } from '../mixins/bounded-json.ts';
import { callerOf, nameOf } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { holdCredential } from '../mixins/held-credential.ts';
import { once } from '../mixins/idempotency.ts';
import { announceRevoked, revoke } from '../mixins/revocations.ts';
import { unknownDevice } from '../mixins/unknown-device.ts';
import {
  type Held,
  holdDevice,
  KEY_COLUMNS,
  type KeyRow,
  keyView,
  readCredentials,
  TOKEN_COLUMNS,
  type TokenRow,
  tokenView,
} from './credentials/credential-rows.ts';
import { roomForOne } from './credentials/live.ts';
import { addKey, endOlder, revocationsOf } from './credentials/rotating.ts';
import { given, scopesOf } from './credentials/scopes.ts';
import { graceOf, keyEndOf, tokenTtlOf } from './credentials/times.ts';
import type { Node } from './node.ts';

type Called = { readonly meta: Meta; readonly params: { readonly id: string; readonly name?: string } };

export function credentialsService({
  config,
  database,
  sealer,
}: Pick<Node, 'config' | 'database' | 'sealer'>): ServiceSchema {
  const { limits } = config;
  const kept = { database, sealer, idempotencyKeepHours: limits.idempotencyKeepHours };
  const room = {
    keys: { most: limits.deviceKeysMax, kept: limits.deviceCredentialsKept },
    tokens: { most: limits.deviceTokensMax, kept: limits.deviceCredentialsKept },
  };
  const tokens = new DeviceTokens({ config, database, sealer });

  const checkId = (id: string): void => {
    if (!isDeviceId(id, limits.deviceIdMaxLength)) throw unknownDevice(id);
  };

  /** Once for each Idempotency-Key, while nobody else gives the device anything. */
  const giving = <T>(ctx: Called, act: string, work: (tx: Transaction, held: Held) => Promise<T>): Promise<T> => {
    const { id } = ctx.params;
    checkId(id);
    const caller = callerOf(ctx);
    if (ctx.params.name) checkText('name', ctx.params.name);
    // With the scopes of the caller: another credential of the same device may be one that may do less.
    return once(kept, ctx, [`credentials.${act}`, ctx.params, scopesOf(caller)], async tx => {
      const held = await holdDevice(tx, caller.tenantId, id);
      await holdCredential(tx, caller);
      return work(tx, held);
    });
  };

  /** Ends one credential, in the table of its kind. Again: the same answer. Rejects with `not_found`. */
  const end = async <R extends KeyRow | TokenRow>(
    ctx: Called,
    { kind, update, read, subject }: { kind: Ending; update: string; read: string; subject: string },
  ): Promise<{ row: R; revocation: Revocation }> => {
    const { tenant, tenantId } = callerOf(ctx);
    const { id } = ctx.params;
    const revocation: Revocation = { kind, tenant, subject, device: id };
    const row = await database.transaction(async tx => {
      const [ended] = await tx.query<R>(update, [tenantId, id, subject]);
      if (ended === undefined) return (await tx.query<R>(read, [tenantId, id, subject]))[0];
      await revoke(tx, [revocation]);
      await audited(tx, ctx, `${kind}.revoked`, `device ${id}`, {
        [kind === 'device_key' ? 'keyId' : 'tokenId']: subject,
      });
      return ended;
    });
    if (row === undefined) throw new SkeinError('not_found', 'The device has no such key or token');
    return { row, revocation };
  };

  return implement(
    credentials,
    {
      async list(ctx) {
        const { id } = ctx.params;
        checkId(id);
        const { tenantId } = callerOf(ctx);
        const found = await readCredentials(database, tenantId, id, limits.deviceCredentialsKept);
        if (found === undefined) throw unknownDevice(id);
        return found;
      },

      async issueKey(ctx) {
        const { id, name = null, scopes = null } = ctx.params;
        const expiresAt = keyEndOf(ctx.params, limits);
        return giving(ctx, 'issueKey', async (tx, { device_uid: uid }) => {
          await roomForOne(tx, uid, 'keys', room.keys);
          const { row, text } = await addKey(tx, uid, { name, scopes: given(scopes, callerOf(ctx)), expiresAt });
          const key = keyView(row);
          await audited(tx, ctx, 'device_key.issued', `device ${id}`, issued(key.id, key));
          return { key, apiKey: text };
        });
      },

      async rotateKeys(ctx) {
        const { id, name, scopes } = ctx.params;
        const caller = callerOf(ctx);
        const graceSeconds = graceOf(ctx.params.graceSeconds, limits);
        const rotated = await giving(ctx, 'rotateKeys', async (tx, { device_uid: uid }) => {
          const { replaced, wanted } = await endOlder(tx, uid, caller, { name, scopes, graceSeconds });
          await roomForOne(tx, uid, 'keys', room.keys);
          const { row, text } = await addKey(tx, uid, wanted);
          const ids = replaced.map(it => it.key_id);
          await revoke(tx, revocationsOf(caller.tenant, id, ids));
          const key = keyView(row);
          const target = `device ${id}`;
          await audited(tx, ctx, 'device_key.issued', target, { ...issued(key.id, key), replaces: ids, graceSeconds });
          if (graceSeconds === 0 && ids.length > 0)
            await audited(tx, ctx, 'device_key.revoked', target, { keyIds: ids });
          return { key, apiKey: text, replaced: replaced.map(keyView) };
        });
        const ids = rotated.replaced.map(it => it.id);
        announceRevoked(ctx.broker, revocationsOf(caller.tenant, id, ids));
        return rotated;
      },

      async revokeKey(ctx) {
        const { id, keyId: subject } = ctx.params;
        checkId(id);
        if (!/^[0-9A-Za-z]{1,32}$/.test(subject)) throw new SkeinError('not_found', 'The device has no such key');
        const { row, revocation } = await end<KeyRow>(ctx, { ...KEY, subject });
        announceRevoked(ctx.broker, [revocation]);
        return keyView(row);
      },

      async issueToken(ctx) {
        const { id } = ctx.params;
        checkId(id);
        const caller = callerOf(ctx);
        const usual = caller.kind === 'device' ? caller.scopes : null;
        const scopes = given(ctx.params.scopes ?? usual, caller);
        // Signed before there is a transaction: see DeviceTokens.
        const holder = { tenant: caller.tenant, device: id };
        const made = await tokens.make(holder, { scopes, ttlSeconds: tokenTtlOf(ctx.params.ttlSeconds, limits) });
        return giving(ctx, 'issueToken', async (tx, { device_uid: uid }) => {
          await roomForOne(tx, uid, 'tokens', room.tokens);
          await insertToken(tx, uid, made, nameOf(caller));
          const [row] = await tx.query<TokenRow>(`SELECT ${TOKEN_COLUMNS} FROM device_token WHERE token_id = $1`, [
            made.id,
          ]);
          const view = tokenView(row!);
          await audited(tx, ctx, 'device_token.issued', `device ${id}`, issued(view.id, view));
          return { view, token: made.text };
        });
      },

      async revokeToken(ctx) {
        const { id, tokenId } = ctx.params;
        checkId(id);
        if (!isUuid(tokenId)) throw new SkeinError('not_found', 'The device has no such token');
        const { row, revocation } = await end<TokenRow>(ctx, { ...TOKEN, subject: tokenId.toLowerCase() });
        announceRevoked(ctx.broker, [revocation]);
        return tokenView(row);
      },
    },
    databaseErrors,
  );
}

type Ending = 'device_key' | 'device_token';
const OF_DEVICE = `device_uid = (SELECT device_uid FROM device WHERE tenant_id = $1 AND device_id = $2)`;
const KEY = {
  kind: 'device_key',
  update: `UPDATE device_key SET revoked_at = now() WHERE ${OF_DEVICE} AND key_id = $3 AND revoked_at IS NULL RETURNING ${KEY_COLUMNS}`,
  read: `SELECT ${KEY_COLUMNS} FROM device_key WHERE ${OF_DEVICE} AND key_id = $3`,
} as const;
const TOKEN = {
  kind: 'device_token',
  update: `UPDATE device_token SET revoked_at = now() WHERE ${OF_DEVICE} AND token_id = $3::uuid AND revoked_at IS NULL RETURNING ${TOKEN_COLUMNS}`,
  read: `SELECT ${TOKEN_COLUMNS} FROM device_token WHERE ${OF_DEVICE} AND token_id = $3::uuid`,
} as const;

/** For the audit log. */
const issued = (id: string, { scopes, expiresAt }: { scopes: unknown; expiresAt: string | null }) => ({
  id,
  scopes,
  expiresAt,
});

/** How people log in, and what they do with their own account. Who calls is found out by the service `access`. */
import { randomUUID } from 'node:crypto';
import type { Context, Service, ServiceSchema } from 'moleculer';
import { issuerOf, TokenSigner } from '../adapters/access/json-web-tokens.ts';
import { limitPasswords } from '../adapters/access/passwords.ts';
import { SigningKeys } from '../adapters/access/signing-keys.ts';
import { PublicKeys } from '../adapters/access/signing-keys-public.ts';
import { loginRates } from '../adapters/limits/login-rates.ts';
import type { Revocation } from '../contracts/access.contract.ts';
import { auth } from '../contracts/auth.contract.ts';
import { implement, type Meta } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { callerOf } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { announceRevoked } from '../mixins/revocations.ts';
import { signedInUser } from './auth/accounts.ts';
import { Attempts } from './auth/attempts.ts';
import { keepFresh, rotate } from './auth/key-rotation.ts';
import { logIn } from './auth/logging-in.ts';
import { endLogins, listLogins } from './auth/logins.ts';
import { describe } from './auth/me.ts';
import { changePassword } from './auth/own-password.ts';
import * as totp from './auth/own-totp.ts';
import { ownUserOf } from './auth/own-user.ts';
import { Refreshing } from './auth/refreshing.ts';
import type { Node } from './node.ts';

type Called = Context<unknown, Meta>;
type Whose = { readonly userId: string; readonly slug: string; readonly loginId: string };

const KEYS_EVERY_MS = 10 * 60_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function authService(node: Pick<Node, 'config' | 'database' | 'sealer' | 'log'>): ServiceSchema {
  const { config, database, sealer, log } = node;
  const { limits } = config;
  const rates = loginRates(limits, config.redisUrl);
  const attempts = new Attempts(rates);
  const keys = new SigningKeys({ database, sealer, limits });
  const publicKeys = new PublicKeys(database, limits);
  const signer = new TokenSigner(keys, issuerOf(config));
  const refreshing = new Refreshing(database, limits.refreshTokenDays);
  let timer: NodeJS.Timeout | undefined;

  const tokensFor = async ({ userId, slug, loginId }: Whose, refreshToken: string) => {
    const ttlSeconds = limits.accessTokenMinutes * 60;
    const claims = { jti: randomUUID(), tenant: slug, sid: loginId, client_id: 'skein' };
    const accessToken = await signer.sign(claims, { typ: 'access', subject: userId, ttlSeconds });
    return { accessToken, tokenType: 'Bearer' as const, expiresIn: ttlSeconds, refreshToken };
  };
  const ended = (ctx: Called, revoked: readonly Revocation[]) => {
    announceRevoked(ctx.broker, revoked);
    return { ended: revoked.length };
  };
  /** Of the person who asks: one, or all. */
  const end = async (ctx: Called, only: string | undefined) => {
    const { id, tenant, tenantId } = ownUserOf(ctx);
    const whose = { user_id: id, tenant_id: tenantId, slug: tenant };
    return ended(ctx, await database.transaction(tx => endLogins(tx, whose, { only, why: 'logout' })));
  };

  return implement(
    auth,
    {
      async login(ctx) {
        const { userAgent = null, ...credentials } = ctx.params;
        const client = { address: ctx.meta.address ?? null, userAgent };
        const { account, loginId, refreshToken, revoked } = await logIn(
          { database, sealer, limits, attempts },
          credentials,
          client,
        );
        announceRevoked(ctx.broker, revoked);
        const whose = { userId: account.user_id, slug: account.slug, loginId };
        return { ...(await tokensFor(whose, refreshToken)), user: signedInUser(account) };
      },

      async refresh(ctx) {
        const refreshed = await refreshing.refresh(ctx.params.refreshToken, ctx.meta.address ?? null);
        if (!('refused' in refreshed)) return tokensFor(refreshed, refreshed.refreshToken);
        announceRevoked(ctx.broker, refreshed.revoked);
        throw new SkeinError('unauthorized', 'The refresh token is not valid; log in again');
      },

      logout: ctx => end(ctx, ctx.params.all === true ? undefined : ownUserOf(ctx).login),

      async listLogins(ctx) {
        return { items: await listLogins(database, ownUserOf(ctx), limits), nextCursor: null };
      },

      async endLogin(ctx) {
        const { id } = ctx.params;
        const answer = UUID.test(id) ? await end(ctx, id) : { ended: 0 };
        if (answer.ended === 0) throw new SkeinError('not_found', 'There is no such login');
        return answer;
      },

      me: ctx => describe(database, callerOf(ctx)),

      changePassword: async ctx => ended(ctx, await changePassword(database, attempts, ctx)),

      beginTotp: ctx => totp.begin({ database, sealer, attempts }, ctx),

      async confirmTotp(ctx) {
        await totp.confirm({ database, sealer, attempts }, ctx);
        return { totp: true as const };
      },

      async removeTotp(ctx) {
        await totp.remove({ database, sealer, attempts }, ctx);
        return { totp: false as const };
      },

      keys: async () => ({ keys: [...(await publicKeys.all())] }),

      rotateKeys: ctx => rotate(keys, database, ctx),
    },
    {
      ...databaseErrors,
      async started(this: Service) {
        limitPasswords(limits);
        await keepFresh(keys, database);
        const look = () =>
          keepFresh(keys, database).catch(err => log.warn({ err }, 'could not look at the signing keys'));
        timer = setInterval(look, KEYS_EVERY_MS).unref();
      },
      stopped() {
        clearInterval(timer);
        rates.close();
      },
    },
  );
}

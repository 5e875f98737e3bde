/** Credentials: who is calling. */
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import type { Verified, VerifiedKeys } from '../adapters/access/verified-keys.ts';
import { access, type Presented, type Principal, type Revocation } from '../contracts/access.contract.ts';
import { audit, type RefusedAct } from '../contracts/audit.contract.ts';
import { implement, on } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { RevocationFeed } from '../mixins/revocations.ts';
import { ensureAdministrator } from './access/administrator.ts';
import { CertificateMemory } from './access/certificate-memory.ts';
import { type Authenticator, ownerOf } from './access/credential.ts';
import { keyAuthenticator } from './access/key-authenticator.ts';
import { LastUsed } from './access/last-used.ts';
import { oidcAuthenticator } from './access/oidc-authenticator.ts';
import { tokenAuthenticator } from './access/token-authenticator.ts';
import type { Node } from './node.ts';

/** @param verified where it keeps what it has found good */
export function accessService(
  { config, database, log }: Pick<Node, 'config' | 'database' | 'log'>,
  verified: VerifiedKeys<Verified>,
): ServiceSchema {
  const { limits } = config;
  const lastUsed = new LastUsed({
    database,
    maxCredentials: limits.lastUsedMaxCredentials,
    flushMs: limits.lastUsedFlushMs,
    onError: err => log.warn({ err }, 'could not write down when keys were last used'),
  });
  const authenticators: readonly Authenticator[] = [
    keyAuthenticator(database, lastUsed),
    tokenAuthenticator({ config, database }),
    ...(config.oidc === undefined ? [] : [oidcAuthenticator(config.oidc, limits, database)]),
  ];
  const certificates = new CertificateMemory(database, limits);
  const forget = (revocation: Revocation) => {
    verified.forget(ownerOf(revocation));
    certificates.forget(ownerOf(revocation));
  };
  const feed = new RevocationFeed({
    database,
    pollMs: limits.revocationPollMs,
    lookBackSeconds: limits.revocationLookBackSeconds,
    onRevoked: forget,
    onError: err => log.warn({ err }, 'could not look for what was revoked'),
  });

  const principalOf = async (text: string, presented: Presented, isFresh: boolean): Promise<Principal | undefined> => {
    const known = isFresh ? undefined : verified.get(text);
    if (known !== undefined) return known.principal;
    const since = verified.checkStarts();
    const found = await authenticators.find(it => it.recognises(text))?.check(text, presented);
    if (found !== undefined) verified.keep(text, found, since);
    return found?.principal;
  };

  return implement(
    access,
    {
      async verify(ctx) {
        const { key, username, presented = {}, isFresh = false } = ctx.params;
        const principal = await principalOf(key, presented, isFresh);
        if (principal !== undefined && fits(principal, username)) return principal;
        tellRefused(ctx.broker, presented);
        throw new SkeinError('unauthorized', 'The key is not valid');
      },

      async verifyCertificate(ctx) {
        const { certificate, username, presented = {}, isFresh = false } = ctx.params;
        const principal = await certificates.principalOf(certificate, isFresh);
        if (principal !== undefined && fits(principal, username)) return principal;
        tellRefused(ctx.broker, presented);
        throw new SkeinError('unauthorized', 'The certificate is not valid');
      },
    },
    {
      ...databaseErrors,
      events: on(access.revoked, forget),
      async started() {
        const path = await ensureAdministrator(database, config.dataDir);
        if (path !== undefined) log.warn({ path }, 'A new administrator key was made; it is in this file');
        feed.start();
      },
      async stopped() {
        await feed.stop();
        await lastUsed.stop();
      },
    },
  );
}

/** For the audit log. Whose it was is not known, whatever is written on it. */
function tellRefused(
  broker: Pick<ServiceBroker, 'emit'>,
  { address = null }: { readonly address?: string | null },
): void {
  const act: RefusedAct = { tenantId: null, actor: 'anonymous', act: 'credential.refused', target: null, address };
  broker.emit(audit.refused.name, act);
}

function fits(principal: Principal, username: string | undefined): boolean {
  if (username === undefined || principal.kind !== 'device') return true;
  return username === principal.device || username === `${principal.tenant}/${principal.device}`;
}

/** Credentials: who is calling. */
import type { ServiceSchema } from 'moleculer';
import { VerifiedKeys } from '../adapters/access/verified-keys.ts';
import { access, type Presented, type Principal, type Revocation } from '../contracts/access.contract.ts';
import { implement, on } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { RevocationFeed } from '../mixins/revocations.ts';
import { ensureAdministrator } from './access/administrator.ts';
import { type Authenticator, ownerOf, type Verified } from './access/credential.ts';
import { keyAuthenticator } from './access/key-authenticator.ts';
import type { Node } from './node.ts';

export function accessService({ config, database, log }: Pick<Node, 'config' | 'database' | 'log'>): ServiceSchema {
  const { limits } = config;
  const verified = new VerifiedKeys<Verified>(limits.keyCacheEntries, limits.keyCacheSeconds);
  const authenticators: readonly Authenticator[] = [keyAuthenticator(database)];
  const forget = (revocation: Revocation) => verified.forget(ownerOf(revocation));
  const feed = new RevocationFeed({
    database,
    pollMs: limits.revocationPollMs,
    lookBackSeconds: limits.revocationLookBackSeconds,
    onRevoked: forget,
    onError: err => log.warn({ err }, 'could not look for what was revoked'),
  });

  const principalOf = async (text: string, presented: Presented): Promise<Principal | undefined> => {
    const known = verified.get(text);
    if (known !== undefined) return known.principal;
    const since = verified.checkStarts();
    const found = await authenticators.find(it => it.recognises(text))?.check(text, presented);
    if (found !== undefined) verified.keep(text, found, since);
    return found?.principal;
  };

  return implement(
    access,
    {
      async verify({ params: { key, username, presented = {} } }) {
        const principal = await principalOf(key, presented);
        if (principal === undefined || !fits(principal, username))
          throw new SkeinError('unauthorized', 'The key is not valid');
        return principal;
      },

      verifyCertificate() {
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
      stopped: () => feed.stop(),
    },
  );
}

function fits(principal: Principal, username: string | undefined): boolean {
  if (username === undefined || principal.kind !== 'device') return true;
  return username === principal.device || username === `${principal.tenant}/${principal.device}`;
}

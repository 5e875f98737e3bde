/** Keys: who is calling. */
import type { ServiceSchema } from 'moleculer';
import { parseKey, secretMatches } from '../adapters/access/keys.ts';
import { VerifiedKeys } from '../adapters/access/verified-keys.ts';
import { access, type Principal } from '../contracts/access.contract.ts';
import { implement, on } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { ensureAdministrator } from './access/administrator.ts';
import { keyRows } from './access/key-rows.ts';
import type { Node } from './node.ts';

export function accessService({ config, database, log }: Pick<Node, 'config' | 'database' | 'log'>): ServiceSchema {
  const { keyCacheEntries, keyCacheSeconds } = config.limits;
  const verified = new VerifiedKeys<Principal>(keyCacheEntries, keyCacheSeconds);
  const rows = keyRows(database);

  const principalOf = async (text: string): Promise<Principal | undefined> => {
    const known = verified.get(text);
    if (known !== undefined) return known;
    const key = parseKey(text);
    if (key === undefined) return undefined;
    const since = verified.checkStarts();
    const row = await rows.load(key);
    if (!secretMatches(key.secret, row?.hash) || row === undefined) return undefined;
    verified.keep(text, row.principal, ownerOf(row.principal), since);
    return row.principal;
  };

  return implement(
    access,
    {
      async verify({ params: { key, username } }) {
        const principal = await principalOf(key);
        if (principal === undefined || !fits(principal, username))
          throw new SkeinError('unauthorized', 'The key is not valid');
        return principal;
      },
    },
    {
      ...databaseErrors,
      events: on(access.revoked, ({ tenant, device }) => verified.forget(`${tenant}/${device}`)),
      async started() {
        const path = await ensureAdministrator(database, config.dataDir);
        if (path !== undefined) log.warn({ path }, 'A new administrator key was made; it is in this file');
      },
    },
  );
}

const ownerOf = (principal: Principal): string =>
  principal.kind === 'device' ? `${principal.tenant}/${principal.device}` : `application ${principal.keyId}`;

/** MQTT names the device beside the key: it must be the key's own. */
const fits = (principal: Principal, username: string | undefined): boolean =>
  username === undefined ||
  principal.kind === 'application' ||
  username === principal.device ||
  username === `${principal.tenant}/${principal.device}`;

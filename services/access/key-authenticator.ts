/** API keys of devices and of programs. */
import { parseKey, secretMatches } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { Authenticator } from './credential.ts';
import { keyRows } from './key-rows.ts';
import type { LastUsed } from './last-used.ts';

export function keyAuthenticator(database: Database, lastUsed: Pick<LastUsed, 'note'>): Authenticator {
  const rows = keyRows(database);
  return {
    recognises: text => parseKey(text) !== undefined,
    async check(text) {
      const key = parseKey(text);
      if (key === undefined) return undefined;
      const row = await rows.load(key);
      if (!secretMatches(key.secret, row?.hash)) return undefined;
      lastUsed.note(key);
      return row;
    },
  };
}

/** API keys of devices and of programs. */
import { parseKey, secretMatches } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import type { Authenticator } from './credential.ts';
import { keyRows } from './key-rows.ts';

export function keyAuthenticator(database: Database): Authenticator {
  const rows = keyRows(database);
  return {
    recognises: text => parseKey(text) !== undefined,
    async check(text) {
      const key = parseKey(text);
      if (key === undefined) return undefined;
      const row = await rows.load(key);
      return secretMatches(key.secret, row?.hash) ? row : undefined;
    },
  };
}

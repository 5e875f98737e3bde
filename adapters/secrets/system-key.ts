/**
 * The key of this system, with which the data keys of its database are wrapped: from a setting, from a file that a setting names, else from a
 * file of the data directory.
 */
import type { Database } from '../database/database.ts';
import { makeOwnKey, ownKeyPath, readKeyFile, readOwnKey } from './key-file.ts';
import { SystemKeyError } from './system-key-error.ts';

export type KeySettings = {
  readonly dataDir: string;
  readonly secretKey: Uint8Array | undefined;
  readonly secretKeyFile: string | undefined;
  readonly secretKeyPrevious: Uint8Array | undefined;
  readonly secretKeyPreviousFile: string | undefined;
};
export type SystemKeys = {
  readonly current: Uint8Array;
  /** The one before: data keys that are wrapped with it are wrapped with the current one. */
  readonly previous: Uint8Array | undefined;
  /** What an operator has to look at when the key is the wrong one: a setting, or a file. */
  readonly from: string;
};

/** Rejects with a SystemKeyError when a file has no key, or when this node would have to make one that can't be the right one. */
export async function systemKeys(
  settings: KeySettings,
  database: Database,
  warn: (text: string) => void,
): Promise<SystemKeys> {
  const { secretKey, secretKeyFile, secretKeyPrevious, secretKeyPreviousFile, dataDir } = settings;
  const previous =
    secretKeyPreviousFile === undefined
      ? secretKeyPrevious
      : await readKeyFile(secretKeyPreviousFile, 'SKEIN_SECRET_KEY_PREVIOUS_FILE');
  if (secretKey !== undefined) return { current: secretKey, previous, from: 'SKEIN_SECRET_KEY' };
  if (secretKeyFile !== undefined) {
    const current = await readKeyFile(secretKeyFile, 'SKEIN_SECRET_KEY_FILE');
    return { current, previous, from: 'SKEIN_SECRET_KEY_FILE' };
  }
  const from = ownKeyPath(dataDir);
  const own = await readOwnKey(dataDir, warn);
  if (own !== undefined) return { current: own, previous, from };
  const [used] = await database.query('SELECT data_key_id FROM data_key LIMIT 1');
  if (used !== undefined) throw new SystemKeyError(noKey(from));
  return { current: await makeOwnKey(dataDir, warn), previous, from };
}

const noKey = (path: string): string =>
  `The database holds secrets, but this node has no key for them: neither SKEIN_SECRET_KEY nor SKEIN_SECRET_KEY_FILE is set, and there is no ${path}. ` +
  'All nodes on one database need the same key: give this one the key of the others. When it has no others, bring the file back from a backup.';

/** For whoever started a node whose key is not that of the database. */
export const wrongKey = ({ from, previous }: Pick<SystemKeys, 'from' | 'previous'>): string =>
  `The secrets in the database are sealed with another key than that of ${from}` +
  `${previous === undefined ? '' : ', and with another one than that of SKEIN_SECRET_KEY_PREVIOUS'}. ` +
  'All nodes on one database need the same key, in SKEIN_SECRET_KEY or SKEIN_SECRET_KEY_FILE. When it was replaced, the one before belongs into ' +
  'SKEIN_SECRET_KEY_PREVIOUS or SKEIN_SECRET_KEY_PREVIOUS_FILE until all nodes have been started with the new one; a system that was ' +
  'given none before has it in the file secret.key of its data directory (docs/security.md).';

/** The first administrator: tenant `default`, and a key in `admin.token` of the data directory. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { newKey, parseKey, secretMatches } from '../../adapters/access/keys.ts';
import type { Database } from '../../adapters/database/database.ts';

const TENANT = 'default';

/**
 * Makes sure that `<dataDir>/admin.token` holds a key that works. Answers with the path when it wrote a new key, else with
 * undefined. A key that was in the file before is left as it is: someone may have copied it.
 */
export async function ensureAdministrator(database: Database, dataDir: string): Promise<string | undefined> {
  await database.query('INSERT INTO tenant (slug, is_operator) VALUES ($1, true) ON CONFLICT DO NOTHING', [TENANT]);
  const path = join(dataDir, 'admin.token');
  if (await holdsWorkingKey(database, path)) {
    await chmod(path, 0o600);
    return undefined;
  }
  const key = newKey('application');
  // The row comes first: a crash in between leaves a key that nobody knows, not a file with a key that does not work.
  await database.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
     SELECT $1, tenant_id, '{admin}', 'administrator', $2 FROM tenant WHERE slug = $3`,
    [key.id, key.hash, TENANT],
  );
  await writeSecret(path, `${key.text}\n`);
  return path;
}

async function holdsWorkingKey(database: Database, path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const key = parseKey(text.trim());
  if (key?.kind !== 'application') return false;
  const [row] = await database.query<{ secret_hash: Uint8Array }>(
    `SELECT k.secret_hash FROM api_key k JOIN tenant t USING (tenant_id)
     WHERE t.slug = $1 AND k.key_id = $2 AND 'admin' = ANY (k.roles) AND k.revoked_at IS NULL`,
    [TENANT, key.id],
  );
  return secretMatches(key.secret, row?.secret_hash);
}

/** Whole or not at all, and never readable for others, not even for a moment: a new file with its mode, then a rename. */
async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The keys of the devices that an import made: sealed until they are read for the last time. */
import type { ImportCredential } from '../../contracts/imports.contract.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import type { ImportRow, Querying } from './import-rows.ts';
import { aboutKey } from './turns.ts';

export type KeyRow = { line: number; device_id: string; name: string | null; sealed: Uint8Array };

export const listKeys = (
  db: Querying,
  { import_id, tenant_id }: ImportRow,
  after: number,
  limit: number,
): Promise<KeyRow[]> =>
  db.query<KeyRow>(
    `SELECT line, device_id, name, sealed FROM device_import_line JOIN device USING (device_id)
     WHERE import_id = $1 AND tenant_id = $2 AND sealed IS NOT NULL AND line > $3 ORDER BY line LIMIT $4`,
    [import_id, tenant_id, after, limit],
  );

export const openKey = (sealer: Sealer, { import_id }: ImportRow, row: KeyRow): ImportCredential => ({
  line: row.line,
  deviceId: row.device_id,
  name: row.name,
  apiKey: Buffer.from(sealer.open(row.sealed, aboutKey(import_id, row.line))).toString(),
});

/** Answers how many that were. */
export async function forgetKeys(tx: Querying, { import_id }: ImportRow): Promise<number> {
  const rows = await tx.query(
    'UPDATE device_import_line SET sealed = NULL WHERE import_id = $1 AND sealed IS NOT NULL RETURNING 1 AS done',
    [import_id],
  );
  return rows.length;
}

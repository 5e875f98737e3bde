/**
 * Seals secrets with a data key of the database, which itself is there only encrypted with the key of this system. So the key of the
 * system can be replaced without touching what is sealed.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Sealer } from '../../contracts/sealing.ts';
import type { Database } from '../database/database.ts';
import { decrypt, encrypt, KEY_BYTES } from './aead.ts';

/** A sealed text begins with a version, and the number of its data key as 4 bytes. */
const VERSION = 1;
const HEAD_BYTES = 5;

type DataKeyRow = { data_key_id: number; wrapped: Uint8Array; wrapped_with: string };

/** Rejects when the secrets of this database were sealed with another key. */
export async function openSealer(database: Database, systemKey: Uint8Array): Promise<Sealer> {
  const fingerprint = fingerprintOf(systemKey);
  const rows = await database.transaction(async tx => {
    await tx.query('LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE');
    const found = await tx.query<DataKeyRow>('SELECT data_key_id, wrapped, wrapped_with FROM data_key ORDER BY 1');
    if (found.length > 0) return found;
    return tx.query<DataKeyRow>(
      'INSERT INTO data_key (wrapped, wrapped_with) VALUES ($1, $2) RETURNING data_key_id, wrapped, wrapped_with',
      [encrypt(systemKey, randomBytes(KEY_BYTES), 'data key'), fingerprint],
    );
  });
  if (rows.some(it => it.wrapped_with !== fingerprint))
    throw new Error('The secrets in the database were sealed with another key than this one (SKEIN_SECRET_KEY)');
  const keys = new Map(rows.map(it => [it.data_key_id, decrypt(systemKey, it.wrapped, 'data key')]));
  const current = rows.at(-1)!.data_key_id;
  return {
    seal(secret, about) {
      const head = Buffer.alloc(HEAD_BYTES);
      head.writeUInt8(VERSION);
      head.writeUInt32BE(current, 1);
      return Buffer.concat([head, encrypt(keys.get(current)!, secret, about)]);
    },
    open(sealed, about) {
      const head = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const key = head.length > HEAD_BYTES && head[0] === VERSION ? keys.get(head.readUInt32BE(1)) : undefined;
      if (key === undefined) throw new Error('Sealed with a key that is not known');
      return decrypt(key, sealed.subarray(HEAD_BYTES), about);
    },
  };
}

/** Tells keys apart, and nothing of them. */
export const fingerprintOf = (key: Uint8Array): string =>
  createHash('sha256').update('skein system key').update(key).digest('hex').slice(0, 16);

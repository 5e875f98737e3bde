/** The data keys in the database: the first one, new ones, and wrapping them with another key of the system. */
import { createHash, randomBytes } from 'node:crypto';
import type { NewDataKey } from '../../contracts/sealing.ts';
import type { Database, Transaction } from '../database/database.ts';
import { decrypt, encrypt, KEY_BYTES } from './aead.ts';

/** `seals`: all nodes know it by now, so it may be used. */
export type DataKeyRow = { data_key_id: number; wrapped: Uint8Array; wrapped_with: string; seals: boolean };
type Querying = Pick<Transaction, 'query'>;

const ABOUT = 'data key';

/** Tells keys apart, and nothing of them. */
export const fingerprintOf = (key: Uint8Array): string =>
  createHash('sha256').update('skein system key').update(key).digest('hex').slice(0, 16);

export const unwrap = (systemKey: Uint8Array, { wrapped }: DataKeyRow): Uint8Array =>
  decrypt(systemKey, wrapped, ABOUT);

/** Nobody else makes, wraps or removes one until the transaction ends. */
export const lockDataKeys = (tx: Querying): Promise<unknown> =>
  tx.query('LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE');

/** The oldest first. By the clock of now: a transaction that waited for another one began before the key of that one could be used. */
export const readDataKeys = (db: Querying): Promise<DataKeyRow[]> =>
  db.query<DataKeyRow>(
    'SELECT data_key_id, wrapped, wrapped_with, seals_from <= clock_timestamp() AS seals FROM data_key ORDER BY data_key_id',
  );

export async function insertDataKey(tx: Querying, systemKey: Uint8Array, leadSeconds: number): Promise<NewDataKey> {
  const [row] = await tx.query<{ data_key_id: number; seals_from: Date }>(
    `INSERT INTO data_key (wrapped, wrapped_with, seals_from) VALUES ($1, $2, now() + make_interval(secs => $3))
     RETURNING data_key_id, seals_from`,
    [encrypt(systemKey, randomBytes(KEY_BYTES), ABOUT), fingerprintOf(systemKey), leadSeconds],
  );
  return { id: row!.data_key_id, sealsFrom: row!.seals_from };
}

/** At the start of a node. Answers all of them, and how many were wrapped with the previous key of the system and no longer are. */
export const takeDataKeys = (
  database: Database,
  current: Uint8Array,
  previous: Uint8Array | undefined,
): Promise<{ rows: DataKeyRow[]; rewrapped: number }> =>
  database.transaction(async tx => {
    await lockDataKeys(tx);
    const rewrapped = previous === undefined ? 0 : await rewrap(tx, current, previous);
    const rows = await readDataKeys(tx);
    if (rows.length > 0) return { rows, rewrapped };
    await insertDataKey(tx, current, 0);
    return { rows: await readDataKeys(tx), rewrapped };
  });

/** Wraps with the current key what is wrapped with the previous one. */
async function rewrap(tx: Querying, current: Uint8Array, previous: Uint8Array): Promise<number> {
  const [now, before] = [fingerprintOf(current), fingerprintOf(previous)];
  if (now === before) return 0;
  const rows = (await readDataKeys(tx)).filter(it => it.wrapped_with === before);
  for (const row of rows)
    await tx.query('UPDATE data_key SET wrapped = $2, wrapped_with = $3 WHERE data_key_id = $1', [
      row.data_key_id,
      encrypt(current, unwrap(previous, row), ABOUT),
      now,
    ]);
  return rows.length;
}

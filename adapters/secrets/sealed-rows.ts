/** Reads and replaces what is sealed in a column. All names in these statements are from `SEALED_COLUMNS`. */
import type { Transaction } from '../database/database.ts';
import { SEALED_COLUMNS, type SealedColumn } from './sealed-columns.ts';
import { SEALED_HEAD_BYTES } from './sealed-head.ts';

export type RowKey = readonly (string | number)[];
export type SealedRow = { readonly key: RowKey; readonly sealed: Uint8Array };
type Querying = Pick<Transaction, 'query'>;

/** The sealed text, as bytes. */
const bytesOf = ({ column, form }: SealedColumn): string =>
  form === 'bytes' ? column : `decode(${column} ->> 'sealed', 'base64')`;
/** Of a long one only the beginning is decoded: four characters are three bytes. */
const headOf = ({ column, form }: SealedColumn): string =>
  `substring(${form === 'bytes' ? column : `decode(left(${column} ->> 'sealed', 8), 'base64')`} FROM 2 FOR ${SEALED_HEAD_BYTES - 1})`;
const isSealed = ({ column, form }: SealedColumn): string =>
  form === 'bytes' ? `${column} IS NOT NULL` : `${column} ? 'sealed'`;

const keyBytes = (dataKeyId: number): Uint8Array => {
  const bytes = Buffer.alloc(SEALED_HEAD_BYTES - 1);
  bytes.writeUInt32BE(dataKeyId);
  return bytes;
};

/**
 * So many of those that are not sealed with this data key, in the order of the primary key, behind that of `after`; locked. Those that somebody
 * else holds are left out.
 */
export async function lockOtherwiseSealed(
  tx: Querying,
  column: SealedColumn,
  dataKeyId: number,
  after: RowKey | undefined,
  limit: number,
): Promise<SealedRow[]> {
  const names = column.key.map(it => it.column).join(', ');
  const marks = column.key.map((it, i) => `$${i + 3}::${it.type}`).join(', ');
  const rows = await tx.query<Record<string, unknown>>(
    `SELECT ${names}, ${bytesOf(column)} AS sealed_bytes FROM ${column.table}
     WHERE ${isSealed(column)} AND ${headOf(column)} <> $1::bytea ${after ? `AND (${names}) > (${marks})` : ''}
     ORDER BY ${names} LIMIT $2::int FOR NO KEY UPDATE SKIP LOCKED`,
    [keyBytes(dataKeyId), limit, ...(after ?? [])],
  );
  return rows.map(row => ({
    key: column.key.map(it => row[it.column] as string | number),
    sealed: row.sealed_bytes as Uint8Array,
  }));
}

export async function storeSealed(tx: Querying, column: SealedColumn, rows: readonly SealedRow[]): Promise<void> {
  if (rows.length === 0) return;
  const names = column.key.map(it => it.column);
  const types = column.key.map((it, i) => `$${i + 2}::${it.type}[]`).join(', ');
  const value =
    column.form === 'bytes'
      ? 'it.sealed'
      : `jsonb_build_object('sealed', translate(encode(it.sealed, 'base64'), E'\\n', ''))`;
  await tx.query(
    `UPDATE ${column.table} AS t SET ${column.column} = ${value}
     FROM unnest($1::bytea[], ${types}) AS it (sealed, ${names.join(', ')})
     WHERE ${names.map(it => `t.${it} = it.${it}`).join(' AND ')}`,
    [rows.map(it => it.sealed), ...names.map((_, i) => rows.map(it => it.key[i]))],
  );
}

/** How many secrets are sealed with each data key. */
export async function countSealed(db: Querying): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (const column of SEALED_COLUMNS) {
    const rows = await db.query<{ head: Uint8Array; secrets: number }>(
      `SELECT ${headOf(column)} AS head, count(*) AS secrets FROM ${column.table} WHERE ${isSealed(column)} GROUP BY 1`,
    );
    for (const { head, secrets } of rows) {
      const id = head.length === SEALED_HEAD_BYTES - 1 ? Buffer.from(head).readUInt32BE() : 0;
      counts.set(id, (counts.get(id) ?? 0) + secrets);
    }
  }
  return counts;
}

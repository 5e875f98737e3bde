/** The data keys as operators see them, and a new one. */
import type { Context } from 'moleculer';
import type { Database } from '../../adapters/database/database.ts';
import { lockDataKeys } from '../../adapters/secrets/data-key-rows.ts';
import { countSealed } from '../../adapters/secrets/sealed-rows.ts';
import type { Meta } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { DataKeys } from '../../contracts/sealing.ts';
import type { DataKeyView } from '../../contracts/security.contract.ts';
import { audited } from '../../mixins/audit.ts';
import { memberOf } from '../../mixins/callers.ts';

type Row = { data_key_id: number; wrapped_with: string; created_at: Date; seals_from: Date; seals: boolean };
type Querying = Pick<Database, 'query'>;

const readRows = (db: Querying): Promise<Row[]> =>
  db.query<Row>(
    `SELECT data_key_id, wrapped_with, created_at, seals_from, seals_from <= now() AS seals
     FROM data_key ORDER BY data_key_id DESC`,
  );

export function operatorOnly(ctx: { readonly meta: Meta }): void {
  if (!memberOf(ctx).isOperator)
    throw new SkeinError('forbidden', 'Only the organization that runs the system may do this');
}

/** The newest first. */
export async function listDataKeys(database: Database): Promise<DataKeyView[]> {
  const [rows, counts] = [await readRows(database), await countSealed(database)];
  const current = rows.find(it => it.seals)?.data_key_id;
  const stateOf = (row: Row) => {
    if (!row.seals) return 'waiting';
    return row.data_key_id === current ? 'current' : 'old';
  };
  return rows.map(row => ({
    id: row.data_key_id,
    state: stateOf(row),
    createdAt: row.created_at.toISOString(),
    sealsFrom: row.seals_from.toISOString(),
    secrets: counts.get(row.data_key_id) ?? 0,
  }));
}

export async function rotate(
  database: Database,
  dataKeys: DataKeys,
  most: number,
  ctx: Context<unknown, Meta>,
): Promise<{ id: number; sealsFrom: string }> {
  const { id, sealsFrom } = await database.transaction(async tx => {
    await lockDataKeys(tx);
    const rows = await readRows(tx);
    const waiting = rows.find(it => !it.seals);
    if (waiting !== undefined) return { id: waiting.data_key_id, sealsFrom: waiting.seals_from };
    if (rows.length >= most)
      throw new SkeinError(
        'conflict',
        `There are ${rows.length} data keys: wait until what older ones sealed is sealed anew`,
      );
    await refuseOtherSystemKeys(tx, dataKeys.fingerprint, rows);
    const made = await dataKeys.add(tx);
    await audited(tx, ctx, 'data_key.rotated', `data key ${made.id}`, { sealsFrom: made.sealsFrom.toISOString() });
    return made;
  });
  await dataKeys.refresh();
  return { id, sealsFrom: sealsFrom.toISOString() };
}

/** While the key of the system is being replaced some nodes have the old one: they could not open what the new data key seals. */
async function refuseOtherSystemKeys(tx: Querying, fingerprint: string, rows: readonly Row[]): Promise<void> {
  if (rows.some(it => it.wrapped_with !== fingerprint))
    throw new SkeinError(
      'conflict',
      'The key of the system was replaced, and this node has the old one still: start it with the new one first',
    );
  const others = await tx.query<{ node_id: string }>(
    `SELECT node_id FROM node_session WHERE state <> 'closed' AND system_key <> $1 ORDER BY node_id LIMIT 10`,
    [fingerprint],
  );
  if (others.length > 0)
    throw new SkeinError(
      'conflict',
      `The key of the system is being replaced: start these nodes with the new one first: ${others.map(it => it.node_id).join(', ')}`,
    );
}

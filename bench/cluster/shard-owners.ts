/** Who owns which shard, read past the system: the rows that its nodes go by. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SHARDS } from '../../contracts/addresses.ts';
import type { Connection } from '../measure/stored.ts';

/** By shard: the node that owns it, null when it has no owner whose session is open. */
export type ShardOwners = readonly (string | null)[];

/** Placement leaves loads alone that are no further from the mean than by this factor (actors/placement/placement.ts). */
const TOLERANCE = 1.15;
const LOOK_EVERY_MS = 50;
/** Nodes look who owns what each second, so what did not change for longer than that is not about to. */
const SAME_FOR_MS = 2_000;

export async function readShardOwners(database: Connection): Promise<ShardOwners> {
  const rows = await database.query(
    `SELECT CASE WHEN state = 'open' THEN node_id END AS owner
       FROM shard LEFT JOIN node_session ON instance_id = holder ORDER BY shard_id`,
  );
  return rows.map(row => row.owner as string | null);
}

/** How many shards each node owns. */
export function countShards(owners: ShardOwners): Map<string, number> {
  const counts = new Map<string, number>();
  for (const owner of owners) if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return counts;
}

export const areAllOwned = (owners: ShardOwners): boolean => owners.length === SHARDS && !owners.includes(null);

/** Whether these nodes, and no others, own all shards, each about its share. */
export function isBalanced(owners: ShardOwners, nodeIds: readonly string[]): boolean {
  const counts = countShards(owners);
  const mean = SHARDS / nodeIds.length;
  const hasItsShare = (id: string) => {
    const count = counts.get(id) ?? 0;
    return count >= Math.floor(mean / TOLERANCE) && count <= Math.ceil(mean * TOLERANCE);
  };
  return areAllOwned(owners) && counts.size === nodeIds.length && nodeIds.every(hasItsShare);
}

/** How many shards have another owner than before. */
export const countMoved = (before: ShardOwners, after: ShardOwners): number =>
  before.filter((owner, shard) => owner !== after[shard]).length;

export type OwnerChange = { readonly atMs: number; readonly owners: ShardOwners };

/**
 * Looks until `isDone` says so, and tells every change on the way with its time (`performance.now()`); the first is how it was at the
 * beginning. Rejects after `patienceMs`.
 */
export async function followOwners(
  database: Connection,
  isDone: (owners: ShardOwners, sameForMs: number) => boolean,
  patienceMs: number,
): Promise<OwnerChange[]> {
  const changes: OwnerChange[] = [];
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const owners = await readShardOwners(database);
    const atMs = performance.now();
    const last = changes.at(-1);
    if (last === undefined || countMoved(last.owners, owners) > 0) changes.push({ atMs, owners });
    if (isDone(owners, atMs - changes.at(-1)!.atMs)) return changes;
    if (atMs > endMs) throw new Error(`Shards did not settle within ${patienceMs} ms: ${tell(owners)}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Resolves when the shards are spread over these nodes and stay where they are. */
export const shardsSettled = (
  database: Connection,
  nodeIds: readonly string[],
  patienceMs: number,
): Promise<OwnerChange[]> =>
  followOwners(database, (owners, sameForMs) => sameForMs >= SAME_FOR_MS && isBalanced(owners, nodeIds), patienceMs);

const tell = (owners: ShardOwners): string =>
  [...countShards(owners)].map(([node, count]) => `${node} has ${count}`).join(', ') || 'nobody has any';

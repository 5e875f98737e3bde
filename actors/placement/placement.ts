/**
 * Which node should have which shard. Every node computes it from the same rows, so all agree without a leader; when they do
 * not, one of two compare-and-sets fails. A shard stays where it is unless it has to move: nobody holds it, or the loads are
 * out of balance. So a node that joins n others moves one part in n + 1, never more.
 */
import { fnv1a } from '../../contracts/addresses.ts';
import type { Holding, InstanceId, Member } from '../../contracts/ownership.ts';

/** Loads between the mean divided by this and the mean times this are left alone. */
const TOLERANCE = 1.15;

type Candidate = { readonly instanceId: InstanceId; readonly seed: number; readonly shards: Set<number> };

/**
 * The instance that should have each shard, in the order of the shards; empty when there is nobody.
 *
 * @param members those that may have shards. Others that hold some are as good as gone
 */
export function place(
  members: readonly Pick<Member, 'instanceId' | 'nodeId'>[],
  holdings: readonly Holding[],
): InstanceId[] {
  if (members.length === 0) return [];
  const candidates = members
    .map(({ nodeId, instanceId }) => ({ instanceId, seed: fnv1a(nodeId), shards: new Set<number>() }))
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  const known = new Map(candidates.map(it => [it.instanceId, it]));
  for (const { shard, holder } of holdings) known.get(holder ?? '')?.shards.add(shard);
  const mean = holdings.length / candidates.length;
  for (const { shard, holder } of holdings)
    if (!known.has(holder ?? '')) winnerOf(shard, candidates, Math.ceil(mean)).shards.add(shard);
  for (const it of candidates)
    if (it.shards.size < Math.floor(mean / TOLERANCE)) fill(it, candidates, Math.floor(mean));
  for (const it of candidates) if (it.shards.size > Math.ceil(mean * TOLERANCE)) empty(it, candidates, Math.ceil(mean));
  const placed = new Array<InstanceId>(holdings.length);
  for (const { instanceId, shards } of candidates) for (const shard of shards) placed[shard] = instanceId;
  return placed;
}

/** Rendezvous hashing (Thaler and Ravishankar, 1998) with bounded loads: the highest weight among those that have room. */
function winnerOf(shard: number, candidates: readonly Candidate[], cap: number): Candidate {
  const withRoom = candidates.filter(it => it.shards.size < cap);
  return withRoom.reduce((best, it) => (weight(it.seed, shard) > weight(best.seed, shard) ? it : best));
}

/** Takes from who has the most. The ones that it would win, so that a node that comes back gets what it had, as far as that goes. */
function fill(taker: Candidate, candidates: readonly Candidate[], wanted: number): void {
  while (taker.shards.size < wanted)
    move(
      extreme(candidates, (it, most) => it.shards.size > most.shards.size),
      taker,
    );
}

function empty(giver: Candidate, candidates: readonly Candidate[], wanted: number): void {
  while (giver.shards.size > wanted)
    move(
      giver,
      extreme(candidates, (it, least) => it.shards.size < least.shards.size),
    );
}

const extreme = (candidates: readonly Candidate[], isBetter: (it: Candidate, best: Candidate) => boolean): Candidate =>
  candidates.reduce((best, it) => (isBetter(it, best) ? it : best));

function move(giver: Candidate, taker: Candidate): void {
  const shard = [...giver.shards].reduce((best, it) => (weight(taker.seed, it) > weight(taker.seed, best) ? it : best));
  giver.shards.delete(shard);
  taker.shards.add(shard);
}

/** The finalizer of MurmurHash3 (Austin Appleby, public domain): every bit of the input changes half of the output. */
function weight(seed: number, shard: number): number {
  let h = seed ^ Math.imul(shard + 1, 0x9e3779b9);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

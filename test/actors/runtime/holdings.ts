import { SHARDS } from '../../../contracts/addresses.ts';
import type { Holding } from '../../../contracts/ownership.ts';

/** All shards, in the hands of one. */
export const everything = (holder: string | null, epoch = 1): Holding[] =>
  Array.from({ length: SHARDS }, (_, shard) => ({ shard, epoch, holder }));

export const EVERYTHING = everything('me');

import type { Databases } from '../measure/subject-home.ts';
import { BenchCluster } from './bench-cluster.ts';

export const FLAGS = {
  parts: 'cpu,idle,hop,kill,stop,join',
  nodes: '1,2,3,4,8',
  rounds: 3,
  seconds: 10,
  idleSeconds: 20,
  rate: 12_000,
  hopRate: 300,
  changeRate: 1_500,
  connections: 500,
  repetitions: 3,
  stableSeconds: 2,
  profile: '',
} as const;

/**
 * `rate`: messages a second of the open loop for the CPU; `hopRate` and `changeRate`: those for the latency of a hop, and while nodes come and
 * go. `repetitions`: how often nodes come and go. `stableSeconds`: SKEIN_LIMIT_MEMBERSHIP_STABLE_SECONDS, 0: as Skein has it.
 * `profile`: a folder for a CPU profile of each node.
 */
export type ClusterOptions = {
  readonly [K in Exclude<keyof typeof FLAGS, 'parts' | 'nodes'>]: (typeof FLAGS)[K] extends number ? number : string;
} & { readonly nodes: readonly number[]; readonly databases: Databases };

/** Messages that a connection may have unanswered, as in the ingest benchmark. */
export const WINDOW = 20;
export const HOUR_MS = 3_600_000;
/** Long enough for the hot functions to be compiled. */
export const WARM_UP_SECONDS = 4;
export const DRAIN_TIMEOUT_MS = 30_000;

/** `1,2,3` to numbers. Throws a RangeError for anything else. */
export function parseCounts(text: string): number[] {
  const counts = text.split(',').map(it => (/^[1-9]\d*$/.test(it) ? Number(it) : Number.NaN));
  if (counts.some(Number.isNaN)) throw new RangeError(`--nodes is "${text}", but must be numbers like 1,2,3`);
  return counts;
}

/** Runs something on new nodes, and ends them. */
export async function withCluster<T>(
  { databases, stableSeconds, profile }: ClusterOptions,
  nodes: number,
  work: (cluster: BenchCluster) => Promise<T>,
  bus = true,
): Promise<T> {
  const cluster = await BenchCluster.start({ databases, nodes, bus, stableSeconds, profileFolder: profile });
  try {
    return await work(cluster);
  } finally {
    await cluster.stop();
  }
}

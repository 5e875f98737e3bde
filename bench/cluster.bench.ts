/**
 * What a cluster costs and how it takes changes: CPU for each message and bytes on the bus with one node and with several, what idle nodes
 * do, the latency of the way to another node, and what devices notice when a node dies, leaves or joins.
 */
import { startPostgres } from '../test/support/postgres.ts';
import { measureCpu } from './cluster/cpu.part.ts';
import { measureHop } from './cluster/hop.part.ts';
import { measureIdle } from './cluster/idle.part.ts';
import { measureJoin } from './cluster/join.part.ts';
import { measureKill } from './cluster/kill.part.ts';
import { type ClusterOptions, FLAGS, parseCounts } from './cluster/options.ts';
import { measureStop } from './cluster/stop.part.ts';
import { type ClusterResult, printCluster } from './cluster.report.ts';
import { readFlags } from './measure/flags.ts';
import { postgresSettings } from './measure/postgres-tree.ts';
import { LIMITS_RAISED } from './measure/raised-limits.ts';
import { saveResult } from './measure/results.ts';

const PARTS = {
  cpu: measureCpu,
  idle: measureIdle,
  hop: measureHop,
  kill: measureKill,
  stop: measureStop,
  join: measureJoin,
};

/** `wal_init_zero` as in the other benchmarks (measure/engines.ts). Each node has ten connections. */
const POSTGRES_SETTINGS = { wal_init_zero: 'off', max_connections: '300' };

export async function run(args: readonly string[]): Promise<void> {
  const { parts: partsText, nodes, ...flags } = readFlags(args, FLAGS);
  const parts = parseParts(partsText);
  const counts = parseCounts(nodes);
  const stable = flags.stableSeconds === 0 ? 'as it is' : `${flags.stableSeconds} s`;
  console.log(
    `Limits raised for this: ${JSON.stringify(LIMITS_RAISED)}; shards move when nodes are the same: ${stable}`,
  );
  const postgres = await startPostgres({ settings: POSTGRES_SETTINGS });
  try {
    const options: ClusterOptions = { ...flags, nodes: counts, databases: postgres };
    const figures: Record<string, unknown> = {};
    for (const part of parts) figures[part] = await PARTS[part](options);
    const databaseSettings = await postgresSettings(postgres.url);
    const result: ClusterResult = {
      options: { ...flags, nodes: counts },
      limits: LIMITS_RAISED,
      databaseSettings,
      ...figures,
    };
    printCluster(result);
    await saveResult('cluster', result);
  } finally {
    await postgres.stop();
  }
}

type Part = keyof typeof PARTS;

function parseParts(text: string): Part[] {
  const known = Object.keys(PARTS) as Part[];
  return text.split(',').map(name => {
    const part = known.find(it => it === name);
    if (part === undefined) throw new RangeError(`--parts has "${name}", but there are only ${known.join(', ')}`);
    return part;
  });
}

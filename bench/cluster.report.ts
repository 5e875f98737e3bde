/** The figures of the cluster benchmark as text, and which targets they meet. */
import { joinTable, killTable, stopTable } from './cluster/change-tables.ts';
import type { CpuFigures } from './cluster/cpu.part.ts';
import type { HopFigures } from './cluster/hop.part.ts';
import type { IdleFigures } from './cluster/idle.part.ts';
import type { JoinFigures } from './cluster/join.part.ts';
import type { KillFigures } from './cluster/kill.part.ts';
import type { ClusterOptions } from './cluster/options.ts';
import type { StopFigures } from './cluster/stop.part.ts';
import { cpuTable, hopTable, idleTable } from './cluster/tables.ts';
import { judgeCpu, judgeJoin, judgeKill, judgeStop } from './cluster/targets.ts';
import { whole } from './measure/table.ts';
import { type Verdict, verdictTable } from './measure/verdicts.ts';

export type ClusterResult = {
  readonly options: Omit<ClusterOptions, 'databases'>;
  readonly limits: Readonly<Record<string, string>>;
  readonly databaseSettings: Readonly<Record<string, unknown>>;
  readonly cpu?: readonly CpuFigures[];
  readonly idle?: readonly IdleFigures[];
  readonly hop?: readonly HopFigures[];
  readonly kill?: readonly KillFigures[];
  readonly stop?: readonly StopFigures[];
  readonly join?: readonly JoinFigures[];
};

export function printCluster(result: ClusterResult): void {
  const { options, cpu, idle, hop, kill, stop, join } = result;
  const atChangeRate = `at ${whole(options.changeRate)} messages/s`;
  if (cpu) section(`At a fixed ${whole(options.rate)} messages/s`, cpuTable(cpu, options.rate));
  if (idle) section(`Idle, with ${whole(options.connections)} connected devices`, idleTable(idle));
  if (hop) section(`PUBACK at ${whole(options.hopRate)} messages/s, three nodes`, hopTable(hop));
  if (kill) section(`kill -9 of one of three nodes ${atChangeRate}`, killTable(kill));
  if (stop) section(`SIGTERM to one of three nodes ${atChangeRate}`, stopTable(stop));
  if (join) section(`A fifth node joins four ${atChangeRate}`, joinTable(join));
  const verdicts = judge(result);
  if (verdicts.length > 0) section('Targets', verdictTable(verdicts));
}

/** What was not measured has no verdict. */
export const judge = ({ options, cpu, kill, stop, join }: ClusterResult): Verdict[] => [
  ...(cpu ? judgeCpu(cpu, options.rate) : []),
  ...(kill ? judgeKill(kill) : []),
  ...(stop ? judgeStop(stop) : []),
  ...(join ? judgeJoin(join) : []),
];

const section = (title: string, text: string): void => console.log(`\n## ${title}\n${text}`);

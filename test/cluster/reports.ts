/** What a run has to tell. */
import { table, whole } from '../../bench/measure/table.ts';
import type { Findings } from '../faults/ledger-comparison.ts';
import type { DownReport } from './down-traffic.ts';
import { brokenRules, type OrderFindings } from './order-watch.ts';

export type ScenarioReport = {
  readonly name: string;
  /** The longest time in which not every shard had an owner that was able to do something. */
  readonly unownedMs: number;
  /** Of any device, between two PUBACKs. */
  readonly longestGapMs: number;
  /** Of any message, from when it was due to its PUBACK. */
  readonly longestWaitMs: number;
  /** Connections that ended after they had been accepted; those that a device gave up; those that were refused with a CONNACK. */
  readonly lost: number;
  readonly timeouts: number;
  readonly refusals: number;
  /** Nodes that ended although nobody here had ended them: their names, with what they ended with. */
  readonly ownEnds: readonly string[];
  /** What was not as it should be, in words. */
  readonly problem: string | undefined;
};

export type RunReport = {
  readonly scenarios: readonly ScenarioReport[];
  readonly findings: Findings;
  /** Of commands and twins. */
  readonly down: DownReport;
  readonly order: OrderFindings;
  /** How many messages were refused, by reason. Every one is well made, so there must be none. */
  readonly deadLetters: Readonly<Record<string, number>>;
  /** Nothing waited for its acknowledgement when the run ended. */
  readonly drained: boolean;
  /** Nodes that did not end in order when the run was over. */
  readonly badStops: readonly string[];
};

/** Everything that was promised and not kept, in words; nothing when all was kept. */
export function brokenPromises(report: RunReport): string[] {
  const { scenarios, findings, down, order, deadLetters, drained, badStops } = report;
  const broken = scenarios.flatMap(({ name, problem }) => (problem === undefined ? [] : [`${name}: ${problem}`]));
  if (!findings.kept) broken.push(String(findings));
  broken.push(...brokenRules(order));
  if (order.messages !== findings.stored)
    broken.push(
      `The watch saw ${order.messages} messages, but ${findings.stored} are stored: it is not to be believed`,
    );
  const refused = Object.entries(deadLetters).map(([reason, count]) => `${count} ${reason}`);
  if (refused.length > 0) broken.push(`Messages were refused: ${refused.join(', ')}`);
  if (!down.commands.kept) broken.push(String(down.commands));
  broken.push(...down.problems, ...down.twins.problems);
  if (!drained) broken.push('Some messages were never acknowledged');
  return [...broken, ...badStops];
}

export function printScenarios(scenarios: readonly ScenarioReport[]): void {
  const rows = scenarios.map(it => [
    it.name,
    whole(it.unownedMs),
    whole(it.longestGapMs),
    whole(it.longestWaitMs),
    String(it.lost),
    String(it.timeouts),
    String(it.refusals),
    it.ownEnds.join(' ') || '-',
    it.problem === undefined ? 'yes' : 'NO',
  ]);
  const columns = ['scenario', 'unowned ms', 'longest gap ms', 'longest wait ms', 'lost', 'timeouts', 'refusals'];
  console.log(table([...columns, 'ended by itself', 'as it should be'], rows));
}

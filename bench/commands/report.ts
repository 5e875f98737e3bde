/** The figures of the commands benchmark as text. */
import type { LoopFigures } from '../load/closed-loop.ts';
import { spread } from '../measure/statistics.ts';
import { decimals, inSpread, table, whole } from '../measure/table.ts';
import { verdictTable } from '../measure/verdicts.ts';
import { type CallFigures, type CommandsRound, PARTS } from './round.ts';
import { judgeCommands, rateOf } from './targets.ts';

const NAMES = { skein: 'Skein', postgres: 'PostgreSQL', devices: 'devices', callers: 'callers' } as const;

/** One line for one round; says so when callers and database disagree. */
export function describeRound({ reference, calls, reads, answered, stored }: CommandsRound): string {
  const parts = Object.entries(calls).map(([underWay, it]) => `${underWay}: ${rateAndTail(it)}`);
  const disagree = answered === stored ? '' : `  BUT ${whole(answered)} ANSWERED AND ${whole(stored)} STORED`;
  return `reference: ${rateAndTail(reference)}; ${parts.join('; ')}; GET ${rateAndTail(reads)}${disagree}`;
}

const rateAndTail = (it: LoopFigures): string =>
  `${whole(rateOf(it))}/s, p50 ${decimals(it.latency.p50, 2)}, p99 ${decimals(it.latency.p99, 1)} ms${errorsOf(it)}`;

function errorsOf({ errors }: LoopFigures): string {
  const all = Object.entries(errors).map(([what, count]) => `${count} x ${what}`);
  return all.length === 0 ? '' : ` ERRORS: ${all.join(', ')}`;
}

export function printCommands(rounds: readonly CommandsRound[]): void {
  const callsOf = (underWay: string) => rounds.map(it => it.calls[underWay]!);
  const head = [
    'under way',
    'a second',
    'p50, ms',
    'p99, ms',
    'errors',
    ...PARTS.map(part => `CPU ms: ${NAMES[part]}`),
  ];
  const rows = Object.keys(rounds[0]!.calls).map(underWay => callRow(underWay, callsOf(underWay)));
  const reads = callRow(
    'GET /devices/{id}, 1',
    rounds.map(it => it.reads),
  );
  console.log('\n## Commands, from POST to the stored answer of the device (CPU for each command)');
  console.log(table(head, [...rows, reads]));
  console.log('\n## The reference, one under way: a bare MQTT ping-pong plus two commits');
  console.log(table(['', 'p50, ms', 'p99, ms'], referenceRows(rounds)));
  console.log('\n## Targets');
  console.log(verdictTable(judgeCommands(rounds)));
}

function callRow(name: string, runs: readonly CallFigures[]): string[] {
  const show = (of: (run: CallFigures) => number, text: (value: number) => string) =>
    inSpread(spread(runs.map(of)), text);
  const perCommandMs = (part: (typeof PARTS)[number]) =>
    show(
      run => (1_000 * run.cpuSeconds[part]) / run.count,
      it => decimals(it, 3),
    );
  const errors = runs.flatMap(run => Object.values(run.errors)).reduce((sum, it) => sum + it, 0);
  return [
    name,
    show(rateOf, whole),
    show(
      run => run.latency.p50,
      it => decimals(it, 2),
    ),
    show(
      run => run.latency.p99,
      it => decimals(it, 1),
    ),
    whole(errors),
    ...PARTS.map(perCommandMs),
  ];
}

function referenceRows(rounds: readonly CommandsRound[]): string[][] {
  const row = (name: string, of: (round: CommandsRound) => { p50: number; p99: number }) => [
    name,
    inSpread(spread(rounds.map(it => of(it).p50)), it => decimals(it, 2)),
    inSpread(spread(rounds.map(it => of(it).p99)), it => decimals(it, 2)),
  ];
  return [
    row('ping-pong', it => it.reference.pong),
    row('one commit', it => it.reference.commit),
    row('ping-pong and two commits', it => it.reference.latency),
  ];
}

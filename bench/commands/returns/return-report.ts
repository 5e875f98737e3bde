/** The figures of fleets that came back as text. */
import { decimals, mebibytes, table, whole } from '../../measure/table.ts';
import { verdictTable } from '../../measure/verdicts.ts';
import type { ReturnFigures } from './return-run.ts';
import { judgeReturn, nameOf, type ReturnRun } from './return-targets.ts';

const PARTS = ['skein', 'postgres', 'devices'] as const;

const ROWS: readonly (readonly [name: string, of: (figures: ReturnFigures, run: ReturnRun) => string])[] = [
  ['queued within, s', it => decimals(it.queuedSeconds, 1)],
  ['all subscribed after, s', it => decimals(it.connectedSeconds, 1)],
  ['all done after, s', it => decimals(it.doneSeconds, 1)],
  ['sent a second, without first and last tenth', it => whole(it.sentInTheMiddle)],
  ['sent in any second, as stored', it => whole(it.mostSentInASecond)],
  ['arrived in any second', it => whole(it.mostArrivedInASecond)],
  ['attempts that came beyond the first', it => whole(it.arrivals.repetitions)],
  ['commands that came again', it => whole(it.arrivals.again)],
  ['commands with several attempts', it => whole(it.stored.repeated)],
  ['attempts taken back', it => whole(Object.values(it.stored.takenBack).reduce((sum, count) => sum + count, 0))],
  ...PARTS.map(
    part =>
      [
        `CPU for each command, ms: ${part}`,
        (it: ReturnFigures, { devices, commands }: ReturnRun) =>
          decimals((1_000 * it.cpuSeconds[part]) / (devices * commands), 3),
      ] as const,
  ),
  ['memory before, MiB', it => it.memory.map(one => mebibytes(one.firstBytes)).join(', ')],
  ['memory at its peak, MiB', it => it.memory.map(one => mebibytes(one.peakBytes)).join(', ')],
  ['memory at the end, MiB', it => it.memory.map(one => mebibytes(one.lastBytes)).join(', ')],
];

/** What went wrong, if anything. */
export function describeReturn(run: ReturnRun): string {
  const { arrivals, stored } = run.figures;
  const states = Object.entries(stored.states).map(([state, count]) => `${whole(count)} ${state}`);
  const takenBack = Object.entries(stored.takenBack).map(([why, count]) => `${whole(count)} taken back: ${why}`);
  return [`${nameOf(run)}: ${[...states, ...takenBack].join(', ')}`, ...arrivals.disorders].join('\n  ');
}

export function printReturns(runs: readonly ReturnRun[]): void {
  console.log('\n## A fleet that comes back');
  const rows = ROWS.map(([name, of]) => [name, ...runs.map(run => of(run.figures, run))]);
  console.log(table(['', ...runs.map(nameOf)], rows));
  console.log('\n## Targets');
  console.log(verdictTable(runs.flatMap(judgeReturn)));
}

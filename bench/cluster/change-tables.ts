/** The figures of the parts in which nodes come and go, as tables. */
import { table } from '../measure/table.ts';
import type { JoinFigures } from './join.part.ts';
import type { KillFigures } from './kill.part.ts';
import type { StopFigures } from './stop.part.ts';
import { figure } from './tables.ts';

/** A row of a figure of all repetitions. */
const row = <F>(name: string, figures: readonly F[], of: (it: F) => number, digits = 0): string[] => [
  name,
  figure(figures.map(of), digits),
];

export const killTable = (figures: readonly KillFigures[]): string =>
  table(
    ['', 'ms'],
    [
      row('every shard is owned again after', figures, it => it.ownedMs),
      row('the last affected device had its next PUBACK after', figures, it => it.affectedMs),
      row('the last of the others', figures, it => it.othersMs),
    ],
  );

export const stopTable = (figures: readonly StopFigures[]): string =>
  table(
    ['', ''],
    [
      row('longest wait for a PUBACK, ms', figures, it => it.longestWaitMs),
      row('the process ended after, ms', figures, it => it.endedMs),
      ['its exit codes', figures.map(it => it.exitCode).join(', ')],
      ['connections refused, given up', figures.map(it => `${it.refusals}, ${it.timeouts}`).join('; ')],
      ...figures.map((it, i) => [`MQTT 5 clients, run ${i + 1}: on that node`, told(it.there)]),
      ...figures.map((it, i) => [`MQTT 5 clients, run ${i + 1}: on the others`, told(it.elsewhere)]),
    ],
  );

const told = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join('; ');

const PHASES = { before: 'before', starting: 'while its process starts', moving: 'while shards move' } as const;

export const joinTable = (figures: readonly JoinFigures[]): string =>
  table(
    ['', ''],
    [
      row('shards moved', figures, it => it.shardsMoved),
      row('first moved after the node was ready, ms', figures, it => it.firstMovedMs),
      row('last moved, ms', figures, it => it.lastMovedMs),
      ...(['before', 'starting', 'moving'] as const).flatMap(phase => [
        row(`PUBACK p50 ${PHASES[phase]}, ms`, figures, it => it[phase].p50, 1),
        row(`PUBACK p99 ${PHASES[phase]}, ms`, figures, it => it[phase].p99, 1),
      ]),
      row('longest wait while shards move, ms', figures, it => it.longestWaitMs),
    ],
  );

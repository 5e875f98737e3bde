/** The figures of the twin benchmark as text. */
import { spread } from '../measure/statistics.ts';
import { decimals, inSpread, mebibytes, table, whole } from '../measure/table.ts';
import { type Verdict, verdictTable } from '../measure/verdicts.ts';
import type { TwinOptions } from './options.ts';
import { type ReadFigures, type ReadRun, SOURCES, type Source } from './reads.part.ts';
import { judgeReads, judgeUpdates, readsPerSecond, updatesPerSecond } from './targets.ts';
import type { ActorRun, PlainRun, UpdateRound } from './updates.part.ts';

export type TwinResult = {
  readonly options: Omit<TwinOptions, 'databases'>;
  readonly touchSeconds: number;
  readonly residentBytes: number;
  readonly reads?: ReadFigures;
  readonly updates?: readonly UpdateRound[];
};

const NAMES: Readonly<Record<Source, string>> = {
  skein: 'twins.get',
  redis: 'GET of Redis (ioredis)',
  redisParsed: 'GET of Redis, and JSON.parse',
  rows: 'SELECT of the row by its key (pg)',
};

export function printTwin(result: TwinResult): void {
  const { options, touchSeconds, reads, updates } = result;
  console.log(
    `\n${whole(options.devices)} actors in memory after ${decimals(touchSeconds, 1)} s; the node had ${mebibytes(result.residentBytes)} MiB then`,
  );
  const verdicts: Verdict[] = [];
  if (reads) {
    console.log(
      `\n## Reads of random twins, ${options.underWay} under way; one is ${whole(reads.valueBytes)} bytes of JSON`,
    );
    console.log(readTable(reads));
    verdicts.push(judgeReads(reads.rounds));
  }
  if (updates) {
    console.log(`\n## Durable updates of one leaf; ${whole(options.connections)} devices over MQTT`);
    console.log(updateTable(updates, options));
    for (const fault of updates.flatMap(faults)) console.log(fault);
    verdicts.push(...judgeUpdates(updates, options.rate));
  }
  console.log('\n## Targets');
  console.log(verdictTable(verdicts));
}

type Show = (value: number) => string;
const one: Show = it => decimals(it, 1);
const three: Show = it => decimals(it, 3);

function readTable({ rounds }: ReadFigures): string {
  const head = ['', 'reads/s', 'p50, ms', 'p99, ms', 'CPU µs: reader', 'Redis', 'PostgreSQL', 'errors'];
  const rows = SOURCES.map(source => {
    const show = (of: (run: ReadRun) => number, text: Show) => inSpread(spread(rounds.map(it => of(it[source]))), text);
    const cpu = (part: keyof ReadRun['cpuSeconds']) => show(it => (1e6 * it.cpuSeconds[part]) / it.count, one);
    return [
      NAMES[source],
      show(readsPerSecond, whole),
      show(it => it.latency.p50, three),
      show(it => it.latency.p99, three),
      ...[cpu('reader'), cpu('redis'), cpu('postgres')],
      whole(rounds.reduce((sum, it) => sum + sumOf(it[source].errors), 0)),
    ];
  });
  return table(head, rows);
}

const sumOf = (errors: Readonly<Record<string, number>>): number =>
  Object.values(errors).reduce((sum, it) => sum + it, 0);

function updateTable(rounds: readonly UpdateRound[], { rate, writers, batch }: TwinResult['options']): string {
  const head = ['', 'updates/s', 'p50, ms', 'p99, ms', 'CPU µs: server or client', 'PostgreSQL'];
  return table(head, [
    actorRow(
      `actors, ${whole(rate)}/s offered`,
      rounds.map(it => it.open),
    ),
    actorRow(
      'actors, closed loop',
      rounds.map(it => it.closed),
    ),
    plainRow(
      `plain UPDATE, each a transaction, ${writers} writers`,
      rounds.map(it => it.plain),
    ),
    plainRow(
      `plain UPDATE of ${batch} rows at once, ${writers} writers`,
      rounds.map(it => it.batched),
    ),
  ]);
}

function actorRow(name: string, runs: readonly ActorRun[]): string[] {
  const show = (of: (run: ActorRun) => number, text: Show) => inSpread(spread(runs.map(of)), text);
  return [
    name,
    show(updatesPerSecond, whole),
    show(it => it.report.latency.p50, one),
    show(it => it.report.latency.p99, one),
    show(it => (1e6 * it.cpuSeconds.server) / it.stored, one),
    show(it => (1e6 * it.cpuSeconds.postgres) / it.stored, one),
  ];
}

function plainRow(name: string, runs: readonly PlainRun[]): string[] {
  const show = (of: (run: PlainRun) => number, text: Show) => inSpread(spread(runs.map(of)), text);
  return [
    name,
    show(it => it.updates / it.activeSeconds, whole),
    show(it => it.latency.p50, one),
    show(it => it.latency.p99, one),
    show(it => (1e6 * it.cpuSeconds.client) / it.updates, one),
    show(it => (1e6 * it.cpuSeconds.postgres) / it.updates, one),
  ];
}

/** What PUBACKs and the database do not agree on, and what was never answered. */
function faults(round: UpdateRound): string[] {
  return (['open', 'closed'] as const).flatMap(name => {
    const { report, stored, drained } = round[name];
    const disagree =
      stored === report.acknowledged
        ? []
        : [`${name}: ${whole(report.acknowledged)} ACKNOWLEDGED, BUT ${whole(stored)} STORED`];
    return drained ? disagree : [...disagree, `${name}: ${whole(report.inFlight)} NEVER ANSWERED`];
  });
}

/** The figures of each part that compares nodes, as tables. */
import { spread } from '../measure/statistics.ts';
import { decimals, inSpread, table, whole } from '../measure/table.ts';
import { type CpuFigures, type CpuRun, keptRate } from './cpu.part.ts';
import type { HopFigures } from './hop.part.ts';
import type { IdleFigures } from './idle.part.ts';
import { cpuRatios } from './targets.ts';
import { nodesCpuSeconds, systemCpuSeconds } from './usage.ts';

/** The spread of some figures with so many digits behind the point. */
export const figure = (values: readonly number[], digits: number): string =>
  inSpread(spread(values), it => (digits === 0 ? whole(it) : decimals(it, digits)));

const nodesInWords = (count: number | string): string => `${count} ${Number(count) === 1 ? 'node' : 'nodes'}`;

const perThousand = (of: (run: CpuRun) => number) => (run: CpuRun) => of(run) / (run.committed / 1_000);
const CPU_ROWS: readonly (readonly [name: string, of: (run: CpuRun) => number, digits: number])[] = [
  ['CPU s / 1,000: nodes, PostgreSQL, NATS', perThousand(run => systemCpuSeconds(run.used)), 4],
  ['  nodes, sum', perThousand(run => nodesCpuSeconds(run.used)), 4],
  ['  PostgreSQL', perThousand(run => run.used.postgres), 4],
  ['  NATS', perThousand(run => run.used.nats), 4],
  ['CPU s / 1,000: generator', perThousand(run => run.used.generator), 4],
  ['transactions / 1,000', perThousand(run => run.used.transactions), 1],
  ['NATS bytes / 1,000: published', perThousand(run => run.used.traffic.inBytes), 0],
  ['NATS bytes / 1,000: delivered', perThousand(run => run.used.traffic.outBytes), 0],
  ['NATS messages / 1,000: published', perThousand(run => run.used.traffic.inMessages), 1],
  ['PUBACK p50, ms', run => run.report.latency.p50, 1],
  ['PUBACK p99, ms', run => run.report.latency.p99, 1],
];

export function cpuTable(figures: readonly CpuFigures[], rate: number): string {
  const ratios = (one: string) =>
    figures.map(({ setup }) => {
      const ratio = cpuRatios(figures, setup, one);
      return ratio === undefined ? '' : inSpread(ratio, it => decimals(it, 2));
    });
  const kept = ({ runs }: CpuFigures) => `${runs.filter(it => keptRate(it, rate)).length} of ${runs.length}`;
  return table(
    ['', ...figures.map(({ setup }) => (setup === 'alone' ? '1 without NATS' : nodesInWords(setup)))],
    [
      ...CPU_ROWS.map(([name, of, digits]) => [name, ...figures.map(({ runs }) => figure(runs.map(of), digits))]),
      ['times that of a cluster of one', ...ratios('1')],
      ['times that of one without NATS', ...ratios('alone')],
      ['runs that kept the rate', ...figures.map(kept)],
    ],
  );
}

export function idleTable(figures: readonly IdleFigures[]): string {
  const perSecond = (of: (it: IdleFigures) => number) => figures.map(it => decimals(of(it) / it.used.seconds, 1));
  const percents = ({ used }: IdleFigures) => used.nodes.map(it => decimals((100 * it) / used.seconds, 1)).join(' ');
  return table(
    ['', ...figures.map(({ nodes }) => nodesInWords(nodes))],
    [
      ['NATS bytes/s, published', ...perSecond(it => it.used.traffic.inBytes)],
      ['NATS bytes/s, delivered', ...perSecond(it => it.used.traffic.outBytes)],
      ['NATS messages/s, published', ...perSecond(it => it.used.traffic.inMessages)],
      ['database transactions/s', ...perSecond(it => it.used.transactions)],
      ['CPU %, each node', ...figures.map(percents)],
      ['CPU %, PostgreSQL', ...perSecond(it => 100 * it.used.postgres)],
      ['CPU %, NATS', ...perSecond(it => 100 * it.used.nats)],
    ],
  );
}

export const hopTable = (figures: readonly HopFigures[]): string =>
  table(
    ['devices connected to', 'p50, ms', 'p99, ms'],
    (['local', 'remote'] as const).map(where => [
      where === 'local' ? 'the owner of their shard' : 'another node',
      ...(['p50', 'p99'] as const).map(it =>
        figure(
          figures.map(run => run[where][it]),
          1,
        ),
      ),
    ]),
  );

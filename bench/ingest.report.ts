/** The figures of the ingest benchmark as text. */
import type { Headroom } from './measure/headroom.ts';
import type { PhaseFigures } from './measure/load-phase.ts';
import { type Spread, spread } from './measure/statistics.ts';
import type { Engine, SubjectName } from './measure/subjects.ts';
import { decimals, inSpread, mebibytes, table, whole } from './measure/table.ts';

export type IngestRun = PhaseFigures & { readonly committed: number; readonly messagesPerSecond: number };
type Runs = Readonly<Record<SubjectName, readonly IngestRun[]>>;
export type IngestResult = {
  readonly engine: Engine;
  readonly databaseSettings: Readonly<Record<string, unknown>>;
  readonly headroom: Headroom;
  readonly closed: Runs;
  readonly open: Runs;
  readonly openMessagesPerSecond: number;
};

/** One line for one run; says so when PUBACKs and database disagree. */
export function describeIngest(name: SubjectName, engine: Engine, run: IngestRun): string {
  const { report, drained, committed } = run;
  const disagree = committed === report.acknowledged ? '' : `  BUT ${whole(report.acknowledged)} ACKNOWLEDGED`;
  const stuck = drained ? '' : `  AND ${whole(report.inFlight)} NEVER ANSWERED`;
  return `${name.padEnd(4)} ${engine}: ${whole(committed)} messages in ${decimals(report.activeSeconds, 2)} s = ${whole(run.messagesPerSecond)}/s, PUBACK p50 ${decimals(report.latency.p50, 1)} ms, p99 ${decimals(report.latency.p99, 1)} ms${disagree}${stuck}`;
}

export function printIngest({ engine, databaseSettings, headroom, closed, open, openMessagesPerSecond }: IngestResult) {
  console.log(`\n## ${engine} ${Object.keys(databaseSettings).length > 0 ? JSON.stringify(databaseSettings) : ''}`);
  console.log(
    `The generator alone, against a server that keeps nothing: ${whole(headroom.messagesPerSecond)} messages/s with ${decimals(headroom.generatorCores, 2)} cores`,
  );
  console.log('\nAs fast as each can (median, and from smallest to largest):');
  console.log(figures(closed));
  console.log(`real/bare, pair by pair: ${inSpread(ratio(closed), it => decimals(it, 3))}`);
  console.log(`\nAt a fixed ${whole(openMessagesPerSecond)} messages/s, latency from when a message was due:`);
  console.log(figures(open));
}

/** real/bare of the runs that followed each other. */
const ratio = ({ bare, real }: Runs): Spread =>
  spread(real.map((run, pair) => run.messagesPerSecond / bare[pair]!.messagesPerSecond));

type Figure = { of(run: IngestRun): number; text(value: number): string };
const perThousand = (part: 'server' | 'generator' | 'postgres'): Figure => ({
  of: run => run.cpuSeconds[part] / (run.committed / 1_000),
  text: value => decimals(value, 4),
});
const milliseconds = (of: Figure['of']): Figure => ({ of, text: value => decimals(value, 1) });
const FIGURES: Readonly<Record<string, Figure>> = {
  'messages/s, counted in the database': { of: run => run.messagesPerSecond, text: whole },
  'PUBACK p50, ms': milliseconds(run => run.report.latency.p50),
  'PUBACK p99, ms': milliseconds(run => run.report.latency.p99),
  'CPU s / 1,000 messages: server': perThousand('server'),
  'CPU s / 1,000 messages: PostgreSQL': perThousand('postgres'),
  'CPU s / 1,000 messages: generator': perThousand('generator'),
  'cores used by the generator': {
    of: run => run.cpuSeconds.generator / run.report.activeSeconds,
    text: value => decimals(value, 2),
  },
  'server RSS peak, MiB': { of: run => run.serverRss.peakBytes, text: mebibytes },
  'server RSS mean, MiB': { of: run => run.serverRss.meanBytes, text: mebibytes },
};

const figures = ({ bare, real }: Runs): string =>
  table(
    ['', 'bare', 'real'],
    Object.entries(FIGURES).map(([name, { of, text }]) => [
      name,
      inSpread(spread(bare.map(of)), text),
      inSpread(spread(real.map(of)), text),
    ]),
  );

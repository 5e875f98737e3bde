/** The figures of the flood benchmark as text. */
import type { Findings } from '../test/faults/ledger-comparison.ts';
import type { LoadReport } from './load/load.ts';
import type { HealthChange } from './measure/health-watch.ts';
import { slope } from './measure/statistics.ts';
import type { Engine } from './measure/subjects.ts';
import { decimals, mebibytes, whole } from './measure/table.ts';

type Rss = {
  readonly samples: readonly { readonly atMs: number; readonly bytes: number }[];
  readonly firstBytes: number;
  readonly lastBytes: number;
  readonly peakBytes: number;
};
export type FloodResult = {
  readonly engine: Engine;
  readonly seconds: number;
  readonly connections: number;
  readonly qos0Percent: number;
  /** Messages a second. */
  readonly sustained: number;
  readonly offered: number;
  readonly report: LoadReport;
  readonly drained: boolean;
  readonly rss: Rss;
  readonly health: readonly HealthChange[];
  /** From the end of the flood to the first answer that says healthy; undefined: it never did. */
  readonly recoverySeconds: number | undefined;
  readonly findings: Findings;
  readonly promisesKept: boolean;
  readonly deadLetters: number;
};

/** The first quarter is when buffers take their size; what grows after it, grows. MiB a minute. */
function growth({ samples }: Rss): number {
  const late = samples.slice(Math.floor(samples.length / 4));
  return slope(late.map(it => ({ x: it.atMs / 60_000, y: it.bytes / 2 ** 20 })));
}

export function printFlood(result: FloodResult): void {
  const { report, rss, findings, recoverySeconds } = result;
  const stored = findings.stored;
  console.log(`\n## Flood, ${result.engine}, ${result.connections} connections, ${result.seconds} s
Sustained in a closed loop: ${whole(result.sustained)}/s. Offered: ${whole(result.offered)}/s, ${result.qos0Percent}% of it at QoS 0.
Sent: ${whole(report.sent)} at QoS 1, ${whole(report.sentQos0)} at QoS 0; not even sent, because their socket was not read or too much was unanswered: ${whole(report.skipped)}
Acknowledged: ${whole(report.acknowledged)}, ${whole(report.acknowledged / report.activeSeconds)}/s; PUBACK p50 ${decimals(report.latency.p50, 0)} ms, p99 ${decimals(report.latency.p99, 0)} ms, max ${decimals(report.latency.max, 0)} ms
Still unanswered at the end: ${whole(report.inFlight)}${result.drained ? '' : ' (NOT DRAINED)'}; connections lost on the way: ${whole(report.reconnects)}, refused: ${whole(report.refusals)}
Server RSS: first ${mebibytes(rss.firstBytes)}, last ${mebibytes(rss.lastBytes)}, peak ${mebibytes(rss.peakBytes)} MiB; growth after the first quarter ${decimals(growth(rss), 1)} MiB a minute
Ledger, all phases: ${whole(findings.acknowledged)} acknowledged, ${whole(stored)} stored, dead letters ${whole(result.deadLetters)}; ${result.promisesKept ? 'every promise kept' : `PROMISES BROKEN: ${findings}`}
Healthy again after the end of the flood: ${recoverySeconds === undefined ? 'NEVER' : `${decimals(recoverySeconds, 1)} s`}
What health said:
${result.health.map(({ atSeconds, says }) => `  ${decimals(atSeconds, 0).padStart(4)} s  ${says}`).join('\n')}`);
}

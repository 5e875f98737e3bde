/** The figures of the REST benchmark as text. */
import type { LoopFigures } from '../load/closed-loop.ts';
import { spread } from '../measure/statistics.ts';
import { decimals, inSpread, table, whole } from '../measure/table.ts';
import { type Verdict, verdictTable } from '../measure/verdicts.ts';

export const SUBJECTS = ['hello', 'device'] as const;
export type Subject = (typeof SUBJECTS)[number];
export type AskFigures = LoopFigures & {
  readonly cpuSeconds: Readonly<Record<'server' | 'postgres' | 'asking', number>>;
};
export type RestRound = Readonly<Record<Subject, AskFigures>>;

const SHARE_OF_HELLO = 0.7;

export const perSecond = ({ count, activeSeconds }: LoopFigures): number => count / activeSeconds;

export function judge(rounds: readonly RestRound[]): Verdict {
  const share = spread(rounds.map(it => perSecond(it.device) / perSecond(it.hello)));
  return {
    figure: "authenticated GET /devices/{id}, as a share of the rate of moleculer-web's hello, round by round",
    target: `at least ${SHARE_OF_HELLO}`,
    measured: inSpread(share, it => decimals(it, 2)),
    met: share.median >= SHARE_OF_HELLO,
  };
}

export function printRest(rounds: readonly RestRound[]): void {
  const rows = SUBJECTS.map(subject => {
    const runs = rounds.map(it => it[subject]);
    const each = (figure: (run: AskFigures) => number, text: (value: number) => string) =>
      inSpread(spread(runs.map(figure)), text);
    return [
      subject,
      each(perSecond, whole),
      each(
        it => it.latency.p50,
        it => decimals(it, 2),
      ),
      each(
        it => it.latency.p99,
        it => decimals(it, 2),
      ),
      each(it => (it.cpuSeconds.server / it.count) * 1e6, whole),
      each(it => (it.cpuSeconds.postgres / it.count) * 1e6, whole),
      String(runs.reduce((sum, run) => sum + Object.values(run.errors).reduce((a, b) => a + b, 0), 0)),
    ];
  });
  const head = ['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs each, server', 'PostgreSQL', 'errors'];
  console.log(`\n${table(head, rows)}\n\n${verdictTable([judge(rounds)])}`);
}

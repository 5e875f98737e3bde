/** What a figure should be, and whether it is. */
import { table } from './table.ts';

/** `met` undefined: the measurement does not say. */
export type Verdict = {
  readonly figure: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean | undefined;
};

export const verdictTable = (verdicts: readonly Verdict[]): string =>
  table(
    ['', 'target', 'measured', ''],
    verdicts.map(({ figure, target, measured, met }) => [
      figure,
      target,
      measured,
      met === undefined ? 'NOT COMPARABLE' : met ? 'met' : 'MISSED',
    ]),
  );

/** What a question asks for, once it is known to make sense. */
import type { Restriction } from '../../adapters/database/telemetry/reading/readings.ts';
import type { Steps } from '../../adapters/database/telemetry/reading/steps.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { type Aggregate, type Fill, USUAL_AGGREGATES } from '../../contracts/telemetry.contract.ts';
import { type Interval, intervalOf, stepsOf } from '../../mixins/intervals.ts';
import { QUALITY_STEPS } from './views.ts';

type Restricting = { minQuality?: number; flagged?: 'exclude' | 'only' };
export const restrictionOf = ({ minQuality, flagged }: Restricting): Restriction => ({
  minQuality: minQuality === undefined ? undefined : Math.ceil(minQuality * QUALITY_STEPS - 1e-6),
  flagged,
});

export type AskedBuckets = {
  readonly interval: Interval;
  readonly steps: Steps;
  readonly statistics: readonly Aggregate[];
  readonly fill: Fill;
};
type Bucketing = { interval?: string; aggregate?: Aggregate[]; timezone?: string; fill?: Fill };

/** Undefined: it asks for no buckets. Rejects with `invalid_request`. */
export function askedBuckets({
  interval: text,
  aggregate,
  timezone,
  fill = 'none',
}: Bucketing): AskedBuckets | undefined {
  if (text === undefined) return undefined;
  const interval = intervalOf(text);
  const statistics = [...new Set(aggregate ?? USUAL_AGGREGATES)];
  return { interval, steps: stepsOf(interval, timezone), statistics, fill };
}

/** Rejects with `invalid_request` when any of these is said beside that. */
export function refuseWith(what: string, params: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  const name = names.find(it => params[it] !== undefined);
  if (name !== undefined) throw new SkeinError('invalid_request', `${name} does not go with ${what}`);
}
export function refuseWithout(what: string, params: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  const name = names.find(it => params[it] !== undefined);
  if (name !== undefined) throw new SkeinError('invalid_request', `${name} needs an ${what}`);
}

/** How stored readings and buckets are said. */
import { isoOfMicros } from '../../adapters/database/telemetry/reading/iso-time.ts';
import { type BucketRow, needsOf, statisticOf } from '../../adapters/database/telemetry/reading/statistics.ts';
import type { Aggregate, Bucket, LatestValue, Reading, Value } from '../../contracts/telemetry.contract.ts';
import { type Finding, findingsOf } from '../../contracts/validation.ts';
import type { Measured } from './selection.ts';

type Stored = {
  readonly us: number;
  readonly value: number | null;
  readonly value_json: unknown;
  readonly quality: number | null;
  readonly flags: number | null;
};

/** Qualities are stored as whole numbers. */
export const QUALITY_STEPS = 10_000;

/** Booleans and whatever is no number are stored as JSON too, and that is what they are. */
const storedValue = (row: Stored): Value => (row.value_json ?? row.value) as Value;
const qualityOf = ({ quality }: Stored): number | null => (quality === null ? null : quality / QUALITY_STEPS);
/** Hardly any has flags, and answers have thousands. */
const withFlags = <T extends { flags?: Finding[] }>(view: T, { flags }: Stored): T => {
  if (flags !== null && flags !== 0) view.flags = findingsOf(flags);
  return view;
};

export const readingView = (row: Stored, { name, unit }: Pick<Measured, 'name' | 'unit'>): Reading =>
  withFlags<Reading>(
    {
      timestamp: isoOfMicros(row.us),
      measurement: name,
      value: storedValue(row),
      quality: qualityOf(row),
      unit,
    },
    row,
  );

export const latestView = (row: Stored, unit: string | null): LatestValue =>
  withFlags<LatestValue>(
    { value: storedValue(row), timestamp: isoOfMicros(row.us), unit, quality: qualityOf(row) },
    row,
  );

export type BucketView = (row: BucketRow, measurement: string) => Bucket;
export function bucketView(aggregates: readonly Aggregate[]): BucketView {
  const needs = needsOf(aggregates);
  return (row, measurement) => {
    const bucket: Bucket = { timestamp: isoOfMicros(row.us), measurement };
    for (const name of aggregates) bucket[name] = statisticOf(row, name, needs);
    return bucket;
  };
}

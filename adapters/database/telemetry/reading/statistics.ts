/** What can be said of the values of a bucket, and what has to be read for it. */
export const PERCENTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
export type Statistic =
  | 'avg'
  | 'min'
  | 'max'
  | 'sum'
  | 'count'
  | 'first'
  | 'last'
  | 'stddev'
  | keyof typeof PERCENTILES;

export const isPercentile = (it: Statistic): it is keyof typeof PERCENTILES => Object.hasOwn(PERCENTILES, it);

/** Which columns a statement has to make. */
export type Needs = {
  readonly spread: boolean;
  readonly ends: boolean;
  readonly percentiles: readonly (keyof typeof PERCENTILES)[];
};
export const needsOf = (statistics: readonly Statistic[]): Needs => ({
  spread: statistics.includes('stddev'),
  ends: statistics.includes('first') || statistics.includes('last'),
  percentiles: statistics.filter(isPercentile),
});

/** What is known of a bucket. `first` and `last`: when (or a moment of the rollup that it is from), and the value. */
export type BucketRow = {
  /** The device's number when buckets are by device, else 0. */
  readonly device: number;
  readonly measurement_id: number;
  readonly us: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Of the population. */
  readonly variance: number | null;
  readonly first: readonly [number, number] | null;
  readonly last: readonly [number, number] | null;
  readonly percentiles: readonly number[] | null;
};

export function statisticOf(row: BucketRow, statistic: Statistic, needs: Needs): number | null {
  switch (statistic) {
    case 'avg':
      return row.sum / row.count;
    case 'stddev':
      return row.variance === null ? null : Math.sqrt(Math.max(0, row.variance));
    case 'first':
      return row.first?.[1] ?? null;
    case 'last':
      return row.last?.[1] ?? null;
    case 'min':
    case 'max':
    case 'sum':
    case 'count':
      return row[statistic];
    default:
      return row.percentiles?.[needs.percentiles.indexOf(statistic)] ?? null;
  }
}

/** What both say together of one bucket. Variances: Chan, Golub and LeVeque, Updating Formulae (1979). */
export function together(a: BucketRow, b: BucketRow): BucketRow {
  const count = a.count + b.count;
  const between = b.sum / b.count - a.sum / a.count;
  const squares =
    (a.variance ?? 0) * a.count + (b.variance ?? 0) * b.count + (between * between * a.count * b.count) / count;
  return {
    ...a,
    count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    variance: a.variance === null || b.variance === null ? null : squares / count,
    first: sooner(a.first, b.first),
    last: sooner(b.last, a.last) === b.last ? a.last : b.last,
    percentiles: null,
  };
}

const sooner = <P extends readonly [number, number]>(a: P | null, b: P | null): P | null => {
  if (a === null || b === null) return a ?? b;
  return a[0] < b[0] || (a[0] === b[0] && a[1] <= b[1]) ? a : b;
};

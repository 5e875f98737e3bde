/** Latencies in logarithmic buckets: 64 to each doubling, so a percentile is at most 1.6 % above the true one. */
const SUB_BUCKETS = 64;
const SUB_BITS = 6;
const BUCKETS = SUB_BUCKETS * 26;
const MAX_US = 2 ** 30;

/** Milliseconds. */
export type Percentiles = {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
};

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #maxUs = 0;

  record(ms: number): void {
    const us = Math.min(MAX_US, Math.max(0, Math.round(ms * 1_000)));
    const bucket = bucketOf(us);
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#count++;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /** The smallest bucket edge (ms) that at least `share` (0..1) of what was recorded lies below. */
  percentile(share: number): number {
    let wanted = Math.max(1, Math.ceil(share * this.#count));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      wanted -= this.#counts[bucket]!;
      if (wanted <= 0) return Math.min(upperEdgeUs(bucket), this.#maxUs) / 1_000;
    }
    return 0;
  }

  percentiles(): Percentiles {
    const [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(share => this.percentile(share)) as [
      number,
      number,
      number,
      number,
    ];
    return { count: this.#count, p50, p90, p99, p999, max: this.#maxUs / 1_000 };
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxUs = 0;
  }
}

/** Below 128 µs each has its own bucket; above, `shift` drops the bits that the bucket does not tell apart. */
function bucketOf(us: number): number {
  if (us < SUB_BUCKETS) return us;
  const shift = 31 - Math.clz32(us) - SUB_BITS;
  return (shift + 1) * SUB_BUCKETS + (us >>> shift) - SUB_BUCKETS;
}
function upperEdgeUs(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  return ((bucket % SUB_BUCKETS) + SUB_BUCKETS + 1) * 2 ** shift - 1;
}

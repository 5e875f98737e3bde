/** A rate for each key: a token bucket, which fills steadily up to its burst and from which each request takes. */
export type Rate = { readonly perSecond: number; readonly burst: number };

/** `retryAfterMs`: when there will be enough for the same request again; 0 when it was allowed. */
export type Taken = { readonly allowed: boolean; readonly retryAfterMs: number };

export interface RateLimiter {
  /**
   * Takes `cost` from the bucket of `key`, all or nothing; a negative one gives back. An answer that is there at once is no promise: nobody
   * has to wait for it. `rate`: of this bucket, when it has one of its own.
   */
  take(key: string, cost?: number, rate?: Rate): Taken | Promise<Taken>;
  close(): void;
}

export const ALLOWED: Taken = Object.freeze({ allowed: true, retryAfterMs: 0 });

/** When a bucket that lacks so many tokens has them. */
export const refused = (missing: number, { perSecond }: Rate): Taken => ({
  allowed: false,
  retryAfterMs: Math.ceil((missing / perSecond) * 1000),
});

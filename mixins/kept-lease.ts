/** Work that is one's own for a limited time, which is prolonged as long as the work goes on. */
export type KeptLease = {
  readonly leaseSeconds: number;
  readonly renew: () => Promise<unknown>;
  /** It could not be prolonged; it is tried again. */
  readonly onError: (error: unknown) => void;
};

/** When it has ended nothing is being prolonged any more. */
export async function keepingLease<T>({ leaseSeconds, renew, onError }: KeptLease, work: () => Promise<T>): Promise<T> {
  let renewal: Promise<unknown> = Promise.resolve();
  const timer = setInterval(
    () => {
      renewal = renew().catch(onError);
    },
    (leaseSeconds * 1_000) / 3,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await renewal;
  }
}

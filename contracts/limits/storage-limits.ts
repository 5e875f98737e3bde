/** Room on the disk, and dead letters. */
export const STORAGE_LIMITS = {
  /**
   * Below this much free room for the embedded database new data is refused, while there is still room for what makes room: retention, a
   * checkpoint, an operator's requests.
   */
  diskReserveMiB: 256,
  /** Below this the embedded database is asked for nothing that writes: a log of 16 MiB for which there is no room ends it. */
  diskFloorMiB: 48,
  /** How often the free room is looked at. */
  diskWatchMs: 1_000,
  /** The pause before it is tried whether there is room again; the next ones are twice as long each, up to the second one. */
  diskProbeMs: 500,
  diskProbeMaxMs: 10_000,
  /** What is written to find out, and undone: more than a table or a log may still have room for. */
  diskProbeBytes: 1024 * 1024,
  /** Dead letters of one run that tries them again. */
  deadLetterReplayMaxLetters: 100_000,
  /** Of these so many are handed to actors at once: they must not take the ingress from the devices. */
  deadLettersUnderWay: 200,
  /** A dead letter that was taken to be tried, and of which nothing is said for so long, may be taken again. */
  deadLetterClaimSeconds: 60,
  /** Dead letters that one request removes: they go in one transaction. */
  deadLetterPurgeMaxLetters: 20_000,
  /** Counting them is dear, so all who ask within this time get the same answer. */
  deadLetterCountSeconds: 10,
} as const;

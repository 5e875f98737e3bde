/** What `bench -- store` can be told. */
export const PARTS = ['writer', 'sizes', 'partitions', 'queries'] as const;
export type Part = (typeof PARTS)[number];

export const FLAGS = {
  parts: PARTS.join(','),
  /** A list of `postgres`, `pglite`, `timescale`; the last one where SKEIN_TEST_TIMESCALE_URL names a server. */
  engines: 'postgres,pglite,timescale',
  rounds: 5,
  /** Datapoints of each measurement of the writer, at most; small batches write fewer. */
  datapoints: 200_000,
  batches: '1,10,100,1000,10000',
  /** Millions of datapoints that queries are asked over. */
  millions: '1,10,100',
  partitions: '1,100,400',
  seed: 1,
};
export const SHORT = {
  rounds: 1,
  datapoints: 4_000,
  batches: '1,100,1000',
  millions: '1',
  partitions: '1,30',
  engines: 'postgres,pglite',
};

export const numbersOf = (text: string): number[] => text.split(',').map(Number);

/** Rejects with a RangeError that names what is not known. */
export function partsOf(text: string): Part[] {
  const parts = text.split(',');
  const unknown = parts.find(it => !PARTS.some(part => part === it));
  if (unknown !== undefined) throw new RangeError(`--parts has "${unknown}", but knows ${PARTS.join(', ')}`);
  return parts as Part[];
}

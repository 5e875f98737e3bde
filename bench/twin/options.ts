import type { Databases } from '../measure/subject-home.ts';

export const FLAGS = {
  parts: 'reads,updates',
  rounds: 3,
  devices: 100_000,
  readSeconds: 5,
  underWay: 64,
  connections: 5_000,
  rate: 5_000,
  openSeconds: 20,
  closedSeconds: 8,
  writers: 2,
  batch: 500,
  profile: '',
};
export const SHORT = {
  rounds: 1,
  devices: 2_000,
  readSeconds: 1,
  connections: 200,
  rate: 500,
  openSeconds: 2,
  closedSeconds: 1,
};

/**
 * `underWay`: reads; `connections`: devices, picked at random, that change their twins, `rate` times a second all together in the open loop.
 * `writers` and `batch`: connections of the plain updates, and rows in each of their transactions; Skein has two lanes.
 */
export type TwinOptions = { readonly [K in keyof Omit<typeof FLAGS, 'parts'>]: (typeof FLAGS)[K] } & {
  readonly databases: Databases;
};

export const PARTS = ['reads', 'updates'] as const;
export type Part = (typeof PARTS)[number];

/** Throws a RangeError for what is no list of them. */
export function parseParts(text: string): Part[] {
  return text.split(',').map(name => {
    const part = PARTS.find(it => it === name);
    if (part === undefined) throw new RangeError(`--parts has "${name}", but there are only ${PARTS.join(', ')}`);
    return part;
  });
}

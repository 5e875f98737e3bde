import type { Databases } from '../measure/subject-home.ts';

export const FLAGS = { rounds: 5, seconds: 8, warmUp: 4, devices: 256, underWay: '1,32,256', profile: '' };
export const SHORT = { rounds: 1, seconds: 1, warmUp: 1, devices: 32, underWay: '1,32' };

/** `profile`: a folder for a CPU profile of each Skein; '': none. */
export type CommandsOptions = {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly devices: number;
  readonly underWay: readonly number[];
  readonly profile: string;
  readonly databases: Databases;
};

/** `1,32` to numbers, none larger than there are devices: each has one command under way. Throws a RangeError for anything else. */
export function parseUnderWay(text: string, devices: number): number[] {
  const counts = text.split(',').map(it => (/^[1-9]\d*$/.test(it) ? Number(it) : Number.NaN));
  if (counts.some(Number.isNaN)) throw new RangeError(`--underWay is "${text}", but must be numbers like 1,32,256`);
  if (Math.max(...counts) > devices) throw new RangeError(`--underWay is "${text}", but there are ${devices} devices`);
  return counts;
}

/** The port of who makes rollups, and the moments that both kinds of it reckon with. */
import type { Limits } from '../../../contracts/limits.ts';
import { DAY_US, dayOf } from './days.ts';

export interface Rollups {
  /**
   * Makes the rollups of some of the hours that are marked and over. False: it has been through all that were due, and begins with the
   * oldest the next time. Rejects with a DatabaseError; then nothing has changed. Several processes may do it at once.
   */
  fold(nowMs: number): Promise<boolean>;
}

/** An hour of which no rollups can be made: it is read from its datapoints, and tried again later. */
export type OnStuck = (hour: string, error: unknown) => void;

const HOUR_MS = 3_600_000;

/** The newest hour that has been over for long enough: who stores something in it from now on marks it. */
export const newestDue = (nowMs: number, { rollupDelaySeconds }: Limits): Date =>
  new Date(Math.floor((nowMs - rollupDelaySeconds * 1_000) / HOUR_MS) * HOUR_MS - HOUR_MS);

export const hourAfter = (hour: Date): Date => new Date(hour.getTime() + HOUR_MS);
export const dayOfMoment = (moment: Date): number => dayOf(moment.getTime() * 1_000);
export const momentOfDay = (day: number): Date => new Date((day * DAY_US) / 1_000);

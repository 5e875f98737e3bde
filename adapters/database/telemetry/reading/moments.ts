/**
 * Moments as parameters of statements. The planner leaves out partitions only for constants: a `timestamptz` that comes as a parameter is one,
 * and one that is calculated from a parameter (`'epoch' + $1 * interval '1 microsecond'`) is not, so all partitions would be planned for.
 */
import { isoOfMicros } from './iso-time.ts';

/** What PostgreSQL, JavaScript and ISO 8601 without a sign can all say. */
export const EARLIEST_US = Date.parse('0001-01-01T00:00:00Z') * 1000;
export const LATEST_US = Date.parse('9999-12-31T00:00:00Z') * 1000;

export type Range = { readonly fromUs: number; readonly toUs: number };

/** A parameter for `$n::timestamptz`. */
export const moment = (us: number): string => isoOfMicros(Math.min(Math.max(us, EARLIEST_US), LATEST_US));

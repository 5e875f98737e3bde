/** Days and hours as whole numbers since 1970 (UTC), which is how marks about telemetry carry them. */

export const HOUR_US = 3_600_000_000;
export const DAY_US = 24 * HOUR_US;

export const dayOf = (us: number): number => Math.floor(us / DAY_US);
export const hourOf = (us: number): number => Math.floor(us / HOUR_US);

/**
 * SQL: the moment a day or an hour begins. With a function that does not depend on the time zone, so that of a parameter it is a constant when
 * the statement is planned: then only the partitions are opened that it needs.
 */
export const dayStart = (day: string): string => `to_timestamp(${day}::int4 * 86400::float8)`;
export const hourStart = (hour: string): string => `to_timestamp(${hour}::int4 * 3600::float8)`;
/** SQL: a moment of microseconds since 1970, and the other way round. */
export const momentOf = (us: string): string => `to_timestamp(${us}::float8 / 1000000)`;
export const microsOf = (ts: string): string => `(extract(epoch FROM ${ts}) * 1000000)::int8`;
/** SQL: the hour of a moment, counted from 1970. */
export const hoursOf = (ts: string): string => `floor(extract(epoch FROM ${ts}) / 3600)::int`;

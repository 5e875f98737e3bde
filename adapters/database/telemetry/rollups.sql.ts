/** What a rollup is, as SQL: of datapoints, and of smaller rollups. Both give the same up to the last digits of a float8. */

/**
 * The datapoints that count: numbers and booleans. The squares of numbers beyond 1e100 cannot be added in a float8; nothing physical is so
 * large, and one of them would stop the rollups of everybody.
 */
export const ROLLUP_MAX = 1e100;
export const inRollups = (value: string): string => `${value} BETWEEN -${ROLLUP_MAX} AND ${ROLLUP_MAX}`;

export const ROLLUP_COLUMNS = 'count, sum, min, max, variance, first, last';

/** Of rows with `value` and `ts`. The array is made once. */
export const ROLLUP_OF_ROWS = `count(value) AS count, sum(value) AS sum, min(value) AS min, max(value) AS max, var_pop(value) AS variance,
  (array_agg(value ORDER BY ts))[1] AS first, (array_agg(value ORDER BY ts))[count(value)] AS last`;

/** Of rows of a rollup table. */
export const ROLLUP_OF_ROLLUPS = `sum(count)::int8 AS count, sum(sum) AS sum, min(min) AS min, max(max) AS max,
  combined_variance(ARRAY[count, sum, variance * count]) AS variance,
  (array_agg(first ORDER BY bucket))[1] AS first, (array_agg(last ORDER BY bucket))[count(*)] AS last`;

/** Telemetry as a Parquet file has it: one row for each datapoint. */
import type { SchemaElement } from 'hyparquet';
import { ParquetError } from './parquet-error.ts';

export type TelemetryRow = {
  readonly device: string;
  readonly measurement: string;
  /** Microseconds since 1970 (UTC). */
  readonly tsUs: number;
  /** The number, or 0 and 1 for a boolean; null for everything else. */
  readonly value: number | null;
  /** The value as JSON text, when it is not a number. */
  readonly text: string | null;
  /** 0 to 1; null when nothing was said. */
  readonly quality: number | null;
  readonly flags: number | null;
};

const OPTIONAL = { repetition_type: 'OPTIONAL' } as const;
const REQUIRED = { repetition_type: 'REQUIRED' } as const;
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;

/** The columns of a file, in their order. Those by which rows are chosen come first, so that one request brings them. */
export const COLUMNS = [
  { name: 'device', ...TEXT, ...REQUIRED },
  { name: 'measurement', ...TEXT, ...REQUIRED },
  {
    name: 'timestamp',
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    ...REQUIRED,
  },
  { name: 'value', type: 'DOUBLE', ...OPTIONAL },
  { name: 'text', ...TEXT, ...OPTIONAL },
  { name: 'quality', type: 'DOUBLE', ...OPTIONAL },
  { name: 'flags', type: 'INT32', ...OPTIONAL },
] as const satisfies readonly SchemaElement[];
export const KEYS = ['device', 'measurement', 'timestamp'] as const;
export const VALUES = ['value', 'text', 'quality', 'flags'] as const;
export const SCHEMA: SchemaElement[] = [{ name: 'telemetry', num_children: COLUMNS.length }, ...COLUMNS];

const MAX_FLAGS = 2 ** 31 - 1;
const isNumber = (value: number | null): boolean => value === null || Number.isFinite(value);

/** Throws for what would come back as something else, or not at all. JSON has no NaN, and no infinity. */
export function checkRow(row: TelemetryRow): void {
  const { tsUs, value, quality, flags } = row;
  const isRight =
    Number.isSafeInteger(tsUs) &&
    isNumber(value) &&
    isNumber(quality) &&
    (flags === null || (Number.isInteger(flags) && Math.abs(flags) <= MAX_FLAGS));
  if (!isRight)
    throw new ParquetError(
      'bad_row',
      `A datapoint can not be written: ${JSON.stringify({ tsUs, value, quality, flags })}`,
    );
}

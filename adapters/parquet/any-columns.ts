/** Which columns of somebody else's file are which: by the names that people give them, and by their types. */
import type { DecodedArray, FileMetaData, SchemaElement } from 'hyparquet';
import { flatColumns } from './columns.ts';
import { ParquetError } from './parquet-error.ts';

export const ROLES = ['device', 'measurement', 'timestamp', 'value', 'text', 'quality'] as const;
export type Role = (typeof ROLES)[number];
/** The columns of a file by what they are for us. */
export type Mapping = { readonly [role in Role]?: string };

/** In small letters, without what stands between words. The first that a file has counts. */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  device: ['device', 'deviceid', 'devicename', 'deviceuid', 'asset', 'assetid', 'node', 'station'],
  measurement: [
    'measurement',
    'measurementname',
    'metric',
    'metricname',
    'sensor',
    'sensorid',
    'sensorname',
    'variable',
    'tag',
    'name',
  ],
  timestamp: ['timestamp', 'ts', 'time', 'datetime', 'eventtime', 'measuredat', 'date'],
  value: ['value', 'val', 'reading', 'measure', 'v'],
  text: ['text', 'valuetext', 'valuejson', 'json'],
  quality: ['quality', 'confidence'],
};
const NUMBERS = new Set(['INT32', 'INT64', 'FLOAT', 'DOUBLE']);
const SHOWN_COLUMNS = 20;

/** What `mapping` names, then what is found by its name. Throws `wrong_columns` when there is no time or no value. */
export function findColumns(metadata: FileMetaData, mapping: Mapping): Mapping {
  const columns = flatColumns(metadata);
  const found: { [role in Role]?: string } = {};
  for (const role of ROLES) {
    const named = mapping[role];
    if (named !== undefined && !columns.has(named)) throw missing(`no column ${shown(named)}`, columns);
    const name =
      named ?? NAMES[role].map(it => [...columns.keys()].find(key => plain(key) === it)).find(it => it !== undefined);
    if (name === undefined) continue;
    found[role] = name;
    if (!fits(role, columns.get(name)!))
      throw new ParquetError('wrong_columns', `The column ${shown(name)} of the file has a type that is no ${role}`);
  }
  if (found.timestamp === undefined) throw missing('no column with the time', columns);
  if (found.value === undefined && found.text === undefined) throw missing('no column with the value', columns);
  return found;
}

const plain = (name: string): string => name.toLowerCase().replace(/[\s_.-]/g, '');
const shown = (name: string): string => JSON.stringify(name.slice(0, 64));

function missing(what: string, columns: ReadonlyMap<string, SchemaElement>): ParquetError {
  const names = [...columns.keys()].slice(0, SHOWN_COLUMNS).map(shown).join(', ');
  return new ParquetError('wrong_columns', `The file has ${what}: it has ${names === '' ? 'none' : names}`);
}

function fits(role: Role, { type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  const isText = type === 'BYTE_ARRAY';
  const isNumber = NUMBERS.has(type!) || converted === 'DECIMAL' || logical?.type === 'FLOAT16';
  if (role === 'timestamp') return isText || isNumber || type === 'INT96';
  if (role === 'quality') return isNumber;
  if (role === 'value') return isText || isNumber || type === 'BOOLEAN' || logical?.type === 'UUID';
  return isText || isNumber || logical?.type === 'UUID';
}

/** The values of a column as what its role needs. */
export function valuesOf(role: Role, element: SchemaElement, values: DecodedArray): unknown[] {
  const convert = role === 'timestamp' ? momentOf(element) : CONVERT[role];
  return Array.from(values as ArrayLike<unknown>, value =>
    value === null || value === undefined ? null : convert(value),
  );
}

const asText = (value: unknown): string => String(value);
const asNumber = (value: unknown): number => Number(value);
const CONVERT: Readonly<Record<Exclude<Role, 'timestamp'>, (value: unknown) => unknown>> = {
  device: asText,
  measurement: asText,
  text: asText,
  quality: asNumber,
  value: value => (typeof value === 'bigint' ? Number(value) : value),
};

/** Microseconds, when the type says what the number is or its size does; a text stays as it is. */
function momentOf({
  type,
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): (value: unknown) => number | string {
  const isMoment = type === 'INT96' || logical?.type === 'TIMESTAMP' || /^(TIMESTAMP|DATE)/.test(converted ?? '');
  if (isMoment) return asNumber;
  return value => (typeof value === 'string' ? value : bySize(Number(value)));
}

/** Between 1973 and 5138 no two units have the same number of digits. */
function bySize(value: number): number {
  const size = Math.abs(value);
  if (size < 1e11) return Math.round(value * 1e6);
  if (size < 1e14) return Math.round(value * 1e3);
  return Math.round(size < 1e17 ? value : value / 1e3);
}

/** The first line of a CSV file: what its columns mean. */
import { parse } from 'csv-parse/sync';
import { SkeinError } from '../../contracts/errors.ts';
import type { HistoryForm } from '../../contracts/telemetry-imports.contract.ts';

const ROLES = ['device', 'measurement', 'timestamp', 'value', 'text', 'quality', 'unit', 'flags'] as const;
export type Role = (typeof ROLES)[number];
export type CsvColumns = {
  readonly delimiter: string;
  readonly count: number;
  readonly places: { readonly [role in Role]?: number };
  /** Of the wide form: each with its place. */
  readonly measurements: readonly (readonly [name: string, place: number])[];
};

/** In small letters, without what stands between words. */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  device: ['device', 'deviceid'],
  measurement: ['measurement', 'metric', 'sensortype', 'sensorid'],
  timestamp: ['timestamp', 'ts', 'time'],
  value: ['value'],
  text: ['text'],
  quality: ['quality'],
  unit: ['unit'],
  // Our own exports have it; what is wrong with a value is found again.
  flags: ['flags'],
};
const OF_WIDE: readonly Role[] = ['device', 'timestamp'];
const DELIMITERS = [',', ';', '\t'] as const;

/** Throws `invalid_request`: a column that means nothing would be lost silently, and two that mean the same contradict each other. */
export function columnsOf(header: string, form: HistoryForm): CsvColumns {
  const delimiter = DELIMITERS.reduce((best, it) => (header.split(it).length > header.split(best).length ? it : best));
  const names = cellsOf(header, delimiter)?.map(it => it.trim());
  if (names === undefined) throw invalid('The first line does not name the columns');
  const places: { [role in Role]?: number } = {};
  const measurements: [string, number][] = [];
  for (const [place, name] of names.entries()) {
    const role = roleOf(name, form);
    if (role === undefined && form === 'long')
      throw invalid(`The column ${shown(name)} is not known; with form=wide it would be a measurement`);
    if (role === undefined && name === '') throw invalid(`Column ${place + 1} has no name`);
    const isTwice = role === undefined ? measurements.some(it => it[0] === name) : places[role] !== undefined;
    if (isTwice) throw invalid(`The column ${shown(name)} says the same as one before it`);
    if (role === undefined) measurements.push([name, place]);
    else places[role] = place;
  }
  checkRoles(places, measurements.length, form);
  return { delimiter, count: names.length, places, measurements };
}

function checkRoles(places: CsvColumns['places'], measurements: number, form: HistoryForm): void {
  const has = (role: Role) => places[role] !== undefined;
  const missing = [...OF_WIDE, ...(form === 'long' ? (['measurement'] as const) : [])].find(it => !has(it));
  if (missing !== undefined) throw invalid(`The first line names no column "${missing}"`);
  if (form === 'long' && !has('value') && !has('text')) throw invalid('The first line names no column "value"');
  if (form === 'wide' && measurements === 0) throw invalid('The first line names no measurement');
}

function roleOf(name: string, form: HistoryForm): Role | undefined {
  const plain = name.toLowerCase().replace(/[\s_.-]/g, '');
  return (form === 'long' ? ROLES : OF_WIDE).find(role => NAMES[role].includes(plain));
}

/** The cells of one record; undefined: it is none. Without quotes a record is no more than its delimiters. */
export function cellsOf(text: string, delimiter: string): string[] | undefined {
  if (!text.includes('"')) return text.split(delimiter);
  try {
    const records: string[][] = parse(text, { delimiter, record_delimiter: ['\r\n', '\n'], relax_column_count: true });
    return records.length === 1 ? records[0] : undefined;
  } catch {
    return undefined;
  }
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 100));
const invalid = (detail: string): SkeinError => new SkeinError('invalid_request', detail);

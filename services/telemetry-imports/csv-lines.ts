/** A record of a CSV file, in the long or the wide form. */
import type { Decoded } from '../../mixins/record-cutter.ts';
import { type CsvColumns, cellsOf } from './csv-columns.ts';
import { type Content, type Reckoning, refusedLine } from './lines.ts';
import { contentOf, NO_DEVICE, timeOf } from './readings.ts';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;

/** The columns are of the first line, which is not to be decoded as a record. */
export function csvDecoder(
  columns: CsvColumns,
  form: 'long' | 'wide',
  reckoning: Reckoning,
): (text: string) => Decoded<Content> {
  const { delimiter, count } = columns;
  const read = form === 'long' ? longContent : wideContent;
  return text => {
    const cells = cellsOf(text, delimiter);
    if (cells === undefined) return { fault: 'It is no CSV: see its quotes' };
    if (cells.length !== count) return { fault: `It has ${cells.length} cells, and the first line ${count}` };
    return { record: read(cells, columns, reckoning) };
  };
}

function longContent(cells: readonly string[], { places }: CsvColumns, reckoning: Reckoning): Content {
  const cell = (place: number | undefined) => (place === undefined ? '' : cells[place]!);
  const device = cells[places.device!]!.trim();
  if (device === '') return NO_DEVICE;
  const value = cellValue(cell(places.value)) ?? textValueOf(cell(places.text));
  if (value === undefined) return refusedLine(device, 'no_values', 'It has no value');
  return contentOf(
    {
      device,
      measurement: cells[places.measurement!]!,
      time: timeCell(cells[places.timestamp!]!),
      value,
      quality: numberOr(cell(places.quality)),
      unit: cell(places.unit) || undefined,
    },
    reckoning,
  );
}

function wideContent(cells: readonly string[], { places, measurements }: CsvColumns, reckoning: Reckoning): Content {
  const device = cells[places.device!]!.trim();
  if (device === '') return NO_DEVICE;
  const tsUs = timeOf(timeCell(cells[places.timestamp!]!), reckoning);
  if (typeof tsUs === 'object') return { device, refusal: tsUs };
  const said: [string, unknown][] = [];
  for (const [name, place] of measurements) {
    const value = cellValue(cells[place]!);
    if (value !== undefined) said.push([name, value]);
  }
  return { device, readings: [{ tsUs, messageId: null, values: Object.fromEntries(said), about: null }] };
}

/** Undefined: nothing was measured. What is no number, no boolean and no JSON is a text. */
export function cellValue(cell: string): unknown {
  const text = cell.trim();
  if (text === '' || text === 'null') return undefined;
  if (NUMBER.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  // To be refused: a text that says so is never one that was measured.
  if (NOT_FINITE.test(text)) return Number.NaN;
  return /^[[{]/.test(text) ? jsonOr(text) : cell;
}

/** A column `text` has JSON, as our own files have it. */
export const textValueOf = (cell: string): unknown => (cell === '' ? undefined : jsonOr(cell));

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const timeCell = (cell: string): unknown => numberOr(cell.trim());
const numberOr = (cell: string): unknown => (cell === '' ? undefined : NUMBER.test(cell) ? Number(cell) : cell);

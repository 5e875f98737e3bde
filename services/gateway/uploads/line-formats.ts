/** The formats in which devices are imported: how one record of each is read. */
import { parse } from 'csv-parse/sync';
import { SkeinError } from '../../../contracts/errors.ts';
import type { ImportFormat } from '../../../contracts/imports.contract.ts';
import type { JsonObject } from '../../../contracts/json.ts';
import { isJsonObject } from '../../../contracts/json.ts';
import type { Decoded } from '../../../mixins/record-cutter.ts';
import { isNestedTooDeep } from '../json-body.ts';

export type LineFormat = {
  readonly name: ImportFormat;
  readonly isQuoted: boolean;
  /** Called for one record after the other. Throws when the whole file is worthless. */
  readonly decode: (text: string) => Decoded<JsonObject>;
  /** Of CSV, as soon as its first record was read. */
  readonly columns: () => readonly string[] | undefined;
};

/** The first record names the columns. */
export function csvFormat(): LineFormat {
  let columns: readonly string[] | undefined;
  const decode = (text: string): Decoded<JsonObject> => {
    const cells = cellsOf(text);
    if (columns === undefined) {
      if (cells === undefined) throw new SkeinError('invalid_request', 'The first line does not name the columns');
      columns = cells.map(it => it.trim());
      return undefined;
    }
    if (cells === undefined) return { fault: 'It is no CSV: see its quotes' };
    if (cells.length !== columns.length)
      return { fault: `It has ${cells.length} cells, and the first line ${columns.length}` };
    return { record: Object.fromEntries(columns.map((column, i) => [column, cells[i]!])) };
  };
  return { name: 'csv', isQuoted: true, decode, columns: () => columns };
}

/** Undefined: it is not one record of CSV. */
function cellsOf(text: string): string[] | undefined {
  try {
    const records: string[][] = parse(text, { record_delimiter: ['\r\n', '\n'], relax_column_count: true });
    return records.length === 1 ? records[0] : undefined;
  } catch {
    return undefined;
  }
}

export const ndjsonFormat = (): LineFormat => ({
  name: 'ndjson',
  isQuoted: false,
  columns: () => undefined,
  decode(text) {
    if (isNestedTooDeep(Buffer.from(text))) return { fault: 'It is nested too deep' };
    try {
      const record: unknown = JSON.parse(text);
      return isJsonObject(record) ? { record } : { fault: 'It is no JSON object' };
    } catch {
      return { fault: 'It is not JSON' };
    }
  },
});

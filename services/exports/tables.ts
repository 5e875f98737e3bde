/** Pages of rows as Parquet. */
import { type TableColumn, type TableRow, writeTable } from '../../adapters/parquet/write-table.ts';
import type { ExportRequest } from '../../contracts/exports.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import type { Page } from './rows.ts';

const NAMES: readonly TableColumn[] = [
  { name: 'device', kind: 'name' },
  { name: 'measurement', kind: 'name' },
  { name: 'timestamp', kind: 'moment' },
];
const UNIT: TableColumn = { name: 'unit', kind: 'name' };

/** The first ones are those of archived telemetry, so that whatever reads the one reads the other. */
const columnsOf = ({ interval, aggregate = [] }: ExportRequest): TableColumn[] =>
  interval === undefined
    ? [
        ...NAMES,
        { name: 'value', kind: 'number' },
        { name: 'text', kind: 'text' },
        { name: 'quality', kind: 'number' },
        { name: 'flags', kind: 'integer' },
        UNIT,
      ]
    : [...NAMES, UNIT, ...aggregate.map((name): TableColumn => ({ name, kind: 'number' }))];

export const parquetOf = (
  pages: AsyncIterable<Page>,
  request: ExportRequest,
  limits: Limits,
): AsyncGenerator<Uint8Array> => writeTable(columnsOf(request), tableRows(pages, request), limits);

async function* tableRows(
  pages: AsyncIterable<Page>,
  { interval }: ExportRequest,
): AsyncGenerator<readonly TableRow[]> {
  for await (const { series, rows } of pages) {
    const { deviceId, name, unit } = series;
    yield rows.map(({ us, values }): TableRow => {
      if (interval !== undefined) return [deviceId, name, us, unit, ...(values as number[])];
      const [value, quality, flags] = values as [unknown, number | null, number | null];
      return [deviceId, name, us, numberOf(value), textOf(value), quality, flags, unit];
    });
  }
}

/** A boolean is both: a number to calculate with, and what it is. */
const numberOf = (value: unknown): number | null =>
  typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : null;
const textOf = (value: unknown): string | null => (typeof value === 'number' ? null : JSON.stringify(value));

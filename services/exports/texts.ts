/** Pages of rows as CSV (RFC 4180) or NDJSON. */
import { type Options, stringify } from 'csv-stringify/sync';
import { isoOfMicros } from '../../adapters/database/telemetry/reading/iso-time.ts';
import type { ExportRequest } from '../../contracts/exports.contract.ts';
import type { Page } from './rows.ts';

/** The columns of a text, in their order. */
export const columnsOf = ({ interval, aggregate = [] }: ExportRequest): string[] =>
  interval === undefined
    ? ['device', 'measurement', 'timestamp', 'value', 'unit', 'quality']
    : ['device', 'measurement', 'timestamp', 'unit', ...aggregate];

/** @param isFirst the file begins with it */
export async function* csvOf(
  pages: AsyncIterable<Page>,
  request: ExportRequest,
  isFirst: boolean,
): AsyncGenerator<string> {
  const options: Options = {
    record_delimiter: 'windows',
    escape_formulas: request.escapeFormulas === true,
    cast: { boolean: value => (value ? 'true' : 'false') },
  };
  if (isFirst) yield stringify([columnsOf(request)], options);
  for await (const page of pages) if (page.rows.length > 0) yield stringify(recordsOf(page, request), options);
}

export async function* ndjsonOf(pages: AsyncIterable<Page>, request: ExportRequest): AsyncGenerator<string> {
  const names = columnsOf(request);
  for await (const page of pages) {
    if (page.rows.length === 0) continue;
    const lines = recordsOf(page, request).map(cells =>
      JSON.stringify(Object.fromEntries(cells.map((it, at) => [names[at]!, it]))),
    );
    yield `${lines.join('\n')}\n`;
  }
}

function recordsOf({ series, rows }: Page, { interval }: ExportRequest): unknown[][] {
  const { deviceId, name, unit } = series;
  return rows.map(({ us, values }) => {
    const head = [deviceId, name, isoOfMicros(us)];
    return interval === undefined ? [...head, values[0], unit, values[1]] : [...head, unit, ...values];
  });
}

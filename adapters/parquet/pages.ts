/**
 * Pages say of themselves how many values they have and how large they become. What they say is held against the footer before they are
 * decoded: a page that says more would take memory without end.
 */
import type { Encoding, PageHeader, SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { damaged, ParquetError } from './parquet-error.ts';

/** Where each value may repeat most of the one before it, a small page can become any number of bytes. */
const UNSUPPORTED = new Set(['DELTA_BYTE_ARRAY', undefined]);

/** Throws unless these pages have exactly `rows` values of a flat column, in at most `maxBytes` without compression. */
export function checkPages(
  chunk: Uint8Array,
  { element, encodings }: { readonly element: SchemaElement; readonly encodings: readonly Encoding[] },
  rows: number,
  maxBytes: number,
): void {
  const reader = { view: new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset: 0 };
  let values = 0;
  let bytes = 0;
  while (values < rows) {
    const header = parquetHeader(reader);
    const { compressed_page_size: size, uncompressed_page_size: fullSize } = header;
    if (!(size >= 0 && fullSize >= 0 && reader.offset + size <= chunk.byteLength)) throw damaged('a page is cut off');
    bytes += fullSize;
    if (bytes > maxBytes)
      throw new ParquetError('too_large', `A column of a row group has more than ${maxBytes} bytes`);
    values += valuesOf(header, fullSize, encodings);
    const { data_page_header_v2: second } = header;
    if (second !== undefined && element.repetition_type === 'OPTIONAL')
      checkLevels(chunk.subarray(reader.offset, reader.offset + size), second);
    reader.offset += size;
  }
  if (values !== rows) throw damaged('its pages have more values than it has rows');
}

/** Of a page with data; a dictionary has no values of rows, but must not have more of its own than bytes. */
function valuesOf(header: PageHeader, fullSize: number, encodings: readonly Encoding[]): number {
  const { dictionary_page_header: dictionary, data_page_header: first, data_page_header_v2: second } = header;
  if (dictionary !== undefined) {
    if (!(dictionary.num_values >= 0 && dictionary.num_values <= fullSize)) throw damaged('a dictionary is too short');
    return 0;
  }
  const data = second ?? first;
  if (data === undefined) return 0;
  if (UNSUPPORTED.has(data.encoding))
    throw new ParquetError(
      'unsupported',
      `The file has an encoding that is not read here: ${data.encoding ?? 'unknown'}`,
    );
  if (!encodings.includes(data.encoding)) throw damaged('a page has another encoding than its column');
  if (!(data.num_values > 0)) throw damaged('a page has no values');
  if (second !== undefined && !(second.num_nulls >= 0 && second.num_nulls <= second.num_values))
    throw damaged('a page has more nulls than values');
  return data.num_values;
}

type Second = NonNullable<PageHeader['data_page_header_v2']>;

/**
 * Which values are null, in runs of bits: https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 * They are not compressed, so nothing else notices when they were changed.
 */
function checkLevels(page: Uint8Array, header: Second): void {
  const { definition_levels_byte_length: end, num_values: values, num_nulls: nulls } = header;
  if (header.repetition_levels_byte_length !== 0 || !(end >= 0 && end <= page.byteLength))
    throw damaged('a page is cut off');
  const levels = page.subarray(0, end);
  let [at, seen, present] = [0, 0, 0];
  while (seen < values) {
    const run = runAt(levels, at);
    at = run.next;
    if (run.isPacked)
      for (let bit = 0; bit < run.count && seen + bit < values; bit++)
        present += (levels[at + (bit >> 3)]! >> (bit & 7)) & 1;
    else present += levels[at] === 1 ? run.count : 0;
    at += run.isPacked ? run.count / 8 : 1;
    seen += run.count;
    // The last bits fill a byte.
    if (at > end || seen > values + (run.isPacked ? 7 : 0)) throw badLevels();
  }
  if (present !== values - nulls) throw badLevels();
}

const badLevels = (): ParquetError => damaged('a page does not say which values it has');

/** A number of values, and whether each has a bit or all are the same. */
function runAt(levels: Uint8Array, start: number): { count: number; isPacked: boolean; next: number } {
  let header = 0;
  for (let at = start, scale = 1; ; at++, scale *= 0x80) {
    const byte = levels[at];
    if (byte === undefined || at > start + 4) throw badLevels();
    header += (byte & 0x7f) * scale;
    if (byte >= 0x80) continue;
    const isPacked = header % 2 === 1;
    return { count: Math.floor(header / 2) * (isPacked ? 8 : 1), isPacked, next: at + 1 };
  }
}

/** Rows of telemetry that become a row group: gathered by columns, as they are written. */
import type { ColumnSource } from 'hyparquet-writer';
import { checkRow, type TelemetryRow } from './telemetry-rows.ts';

/** Of so many values it is looked at whether they repeat. */
const SAMPLE = 1_000;

export class RowGroup {
  readonly #device: string[] = [];
  readonly #measurement: string[] = [];
  readonly #timestamp: bigint[] = [];
  readonly #value: (number | null)[] = [];
  readonly #text: (string | null)[] = [];
  readonly #quality: (number | null)[] = [];
  readonly #flags: (number | null)[] = [];
  #textBytes = 0;

  get rows(): number {
    return this.#device.length;
  }

  /** About; names that repeat count each time. */
  get textBytes(): number {
    return this.#textBytes;
  }

  add(row: TelemetryRow): void {
    checkRow(row);
    this.#device.push(row.device);
    this.#measurement.push(row.measurement);
    this.#timestamp.push(BigInt(row.tsUs));
    this.#value.push(row.value);
    this.#text.push(row.text);
    this.#quality.push(row.quality);
    this.#flags.push(row.flags);
    this.#textBytes += row.text === null ? 0 : row.text.length;
  }

  /** Names repeat, and moments have steps. Statistics are for those columns by which rows are chosen. */
  columns(): ColumnSource[] {
    const plain = { statistics: false, offsetIndex: false };
    return [
      { name: 'device', data: this.#device, encoding: 'RLE_DICTIONARY', offsetIndex: false },
      { name: 'measurement', data: this.#measurement, encoding: 'RLE_DICTIONARY', offsetIndex: false },
      { name: 'timestamp', data: this.#timestamp, encoding: 'DELTA_BINARY_PACKED', offsetIndex: false },
      { name: 'value', data: this.#value, ...encodingOf(this.#value), offsetIndex: false },
      { name: 'text', data: this.#text, ...plain },
      { name: 'quality', data: this.#quality, ...plain },
      { name: 'flags', data: this.#flags, ...plain },
    ];
  }
}

/** Values of a resolution repeat, and the writer finds that out; those that hardly do become smaller byte by byte. */
function encodingOf(values: readonly (number | null)[]): Pick<ColumnSource, 'encoding'> {
  const sample = values.slice(0, SAMPLE).filter(it => it !== null);
  return new Set(sample).size > sample.length / 2 ? { encoding: 'BYTE_STREAM_SPLIT' } : {};
}

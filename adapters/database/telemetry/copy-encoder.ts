/** PostgreSQL's binary COPY format: https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4 */
import type { Datapoint } from '../../../contracts/store.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const HEADER_BYTES = SIGNATURE.length + 8;
const TRAILER_BYTES = 2;
/** Field count, seven field lengths, device_uid, measurement_id, ts, value, quality and flags. */
const ROW_BYTES = 2 + 7 * 4 + 4 + 4 + 8 + 8 + 2 + 2;
/** The table's smallint: a share as ten-thousandths. */
const QUALITY_ONE = 10_000;
/** The version byte before the text of a jsonb. */
const JSONB_VERSION_BYTES = 1;
const NULL_LENGTH = -1;
/** Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's time begins. */
const EPOCH_2000_US = 946_684_800_000_000;
const TWO_32 = 2 ** 32;

export const TELEMETRY_COLUMNS = [
  'device_uid',
  'measurement_id',
  'ts',
  'value',
  'quality',
  'flags',
  'value_json',
] as const;

/** `tsUs`: microseconds since 1970; `quality`: 0 to 1; `json`: the text of `value_json`. */
export type CopiedPoint = Pick<Datapoint, 'tsUs' | 'value' | 'quality' | 'flags' | 'json'>;

/** A quality as the table has it. */
export const storedQuality = (quality: number | null): number | null =>
  quality === null ? null : Math.round(quality * QUALITY_ONE);
export const qualityOf = (stored: number | null): number | null => (stored === null ? null : stored / QUALITY_ONE);

/** Writes rows of table `telemetry` into one growing buffer. */
export class TelemetryCopy {
  #buffer: Buffer;
  #end = HEADER_BYTES;
  rows = 0;

  /** @param expectedRows how many rows to make room for at once */
  constructor(expectedRows: number) {
    this.#buffer = Buffer.allocUnsafe(HEADER_BYTES + expectedRows * ROW_BYTES + TRAILER_BYTES);
    this.#buffer.set(SIGNATURE, 0);
    this.#buffer.fill(0, SIGNATURE.length, HEADER_BYTES);
  }

  add(deviceUid: number, measurementId: number, { tsUs, value, quality, flags, json }: CopiedPoint): void {
    const jsonBytes = json === null ? 0 : Buffer.byteLength(json) + JSONB_VERSION_BYTES;
    this.#makeRoom(ROW_BYTES + jsonBytes);
    const buffer = this.#buffer;
    let at = buffer.writeInt16BE(7, this.#end);
    at = buffer.writeInt32BE(deviceUid, buffer.writeInt32BE(4, at));
    at = buffer.writeInt32BE(measurementId, buffer.writeInt32BE(4, at));
    at = writeInt64(buffer, tsUs - EPOCH_2000_US, buffer.writeInt32BE(8, at));
    at =
      value === null ? buffer.writeInt32BE(NULL_LENGTH, at) : buffer.writeDoubleBE(value, buffer.writeInt32BE(8, at));
    at = writeSmall(buffer, storedQuality(quality), at);
    at = writeSmall(buffer, flags === 0 ? null : flags, at);
    if (json === null) at = buffer.writeInt32BE(NULL_LENGTH, at);
    else {
      at = buffer.writeInt8(1, buffer.writeInt32BE(jsonBytes, at));
      at += buffer.write(json, at);
    }
    this.#end = at;
    this.rows++;
  }

  /** All rows with header and trailer. Nothing can be added after. */
  finish(): Uint8Array {
    this.#buffer.writeInt16BE(-1, this.#end);
    return this.#buffer.subarray(0, this.#end + TRAILER_BYTES);
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes + TRAILER_BYTES;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }
}

const writeSmall = (buffer: Buffer, value: number | null, at: number): number =>
  value === null ? buffer.writeInt32BE(NULL_LENGTH, at) : buffer.writeInt16BE(value, buffer.writeInt32BE(2, at));

/** A whole number below 2^53 as eight bytes, without the detour over BigInt, which takes several times as long. */
function writeInt64(buffer: Buffer, value: number, at: number): number {
  const high = Math.floor(value / TWO_32);
  return buffer.writeUInt32BE(value - high * TWO_32, buffer.writeInt32BE(high, at));
}

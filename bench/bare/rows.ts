/**
 * Rows of `telemetry (device_uid, measurement_id, ts, value)` in PostgreSQL's binary COPY format:
 * https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format".
 */
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const TRAILER = Buffer.from([0xff, 0xff]);
/** Two bytes for the number of fields, and for each field four for its length: int4, int4, timestamptz, float8. */
const ROW_BYTES = 2 + (4 + 4) + (4 + 4) + (4 + 8) + (4 + 8);
/** 2000-01-01, where PostgreSQL's timestamps begin, in milliseconds since 1970. */
const EPOCH_MS = 946_684_800_000;
const TWO_32 = 2 ** 32;

export class Rows {
  #bytes = Buffer.allocUnsafeSlow(64 * 1024);
  #at = HEADER.copy(this.#bytes);

  add(deviceUid: number, measurementId: number, tsMs: number, value: number): void {
    if (this.#at + ROW_BYTES + TRAILER.length > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    const us = (tsMs - EPOCH_MS) * 1_000;
    const usHigh = Math.floor(us / TWO_32);
    let at = bytes.writeInt16BE(4, this.#at);
    at = bytes.writeInt32BE(4, at);
    at = bytes.writeInt32BE(deviceUid, at);
    at = bytes.writeInt32BE(4, at);
    at = bytes.writeInt32BE(measurementId, at);
    at = bytes.writeInt32BE(8, at);
    at = bytes.writeInt32BE(usHigh, at);
    at = bytes.writeUInt32BE(us - usHigh * TWO_32, at);
    at = bytes.writeInt32BE(8, at);
    this.#at = bytes.writeDoubleBE(value, at);
  }

  /** All rows with header and trailer; the memory is the caller's from now on. */
  take(): Uint8Array<ArrayBuffer> {
    const end = this.#at + TRAILER.copy(this.#bytes, this.#at);
    return this.#bytes.subarray(0, end) as Uint8Array<ArrayBuffer>;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

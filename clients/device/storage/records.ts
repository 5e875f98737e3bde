/**
 * How a record lies in a file: `magic (4 bytes) | length of the payload (4) | CRC-32 of the payload (4) | payload`. The magic number
 * lets a reader find the next good record behind a bad one.
 */
import { crc32 } from 'node:zlib';

const MAGIC = Buffer.from([0xf5, 0x53, 0x4b, 0x31]);
export const RECORD_OVERHEAD_BYTES = 12;
/** A larger length is not one that this library wrote. */
export const RECORD_MAX_BYTES = 4 * 1024 * 1024;

export function encodeRecord(payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(RECORD_OVERHEAD_BYTES + payload.length);
  MAGIC.copy(record);
  record.writeUInt32LE(payload.length, 4);
  record.writeUInt32LE(crc32(payload), 8);
  record.set(payload, RECORD_OVERHEAD_BYTES);
  return record;
}

export type FoundRecord = { readonly offset: number; readonly length: number; readonly payload: Buffer };
/**
 * - `whole`: nothing but good records. - `torn`: good records, then the beginning of one, as a write that was cut short leaves it.
 * - `corrupt`: anything else.
 */
export type Scan = {
  readonly records: readonly FoundRecord[];
  readonly state: 'whole' | 'torn' | 'corrupt';
  /** Behind the last good record. */
  readonly goodBytes: number;
};

/** Finds every good record, also those behind bad bytes. */
export function scanRecords(file: Buffer): Scan {
  const records: FoundRecord[] = [];
  let offset = 0;
  let hasGap = false;
  while (offset < file.length) {
    const payload = payloadAt(file, offset);
    if (payload !== undefined) {
      const length = RECORD_OVERHEAD_BYTES + payload.length;
      records.push({ offset, length, payload });
      offset += length;
      continue;
    }
    const next = nextRecord(file, offset + 1);
    if (next === undefined) {
      const state = !hasGap && looksTorn(file.subarray(offset)) ? 'torn' : 'corrupt';
      return { records, state, goodBytes: offset };
    }
    hasGap = true;
    offset = next;
  }
  return { records, state: hasGap ? 'corrupt' : 'whole', goodBytes: offset };
}

function payloadAt(file: Buffer, offset: number): Buffer | undefined {
  if (offset + RECORD_OVERHEAD_BYTES > file.length) return undefined;
  if (MAGIC.compare(file, offset, offset + MAGIC.length) !== 0) return undefined;
  const length = file.readUInt32LE(offset + 4);
  const start = offset + RECORD_OVERHEAD_BYTES;
  // The CRC of nothing is 0: an empty record would be as good as a row of zeros.
  if (length === 0 || length > RECORD_MAX_BYTES || start + length > file.length) return undefined;
  const payload = file.subarray(start, start + length);
  return crc32(payload) === file.readUInt32LE(offset + 8) ? payload : undefined;
}

function nextRecord(file: Buffer, from: number): number | undefined {
  for (let at = file.indexOf(MAGIC, from); at !== -1; at = file.indexOf(MAGIC, at + 1))
    if (payloadAt(file, at) !== undefined) return at;
  return undefined;
}

/** A whole record of which the end was not written; a record that is complete and wrong was damaged later. */
function looksTorn(tail: Buffer): boolean {
  const start = tail.subarray(0, MAGIC.length);
  if (!start.equals(MAGIC.subarray(0, start.length))) return false;
  if (tail.length < RECORD_OVERHEAD_BYTES) return true;
  const length = tail.readUInt32LE(4);
  return length <= RECORD_MAX_BYTES && RECORD_OVERHEAD_BYTES + length > tail.length;
}

/** PostgreSQL's binary COPY format for tests, written apart from the encoder of the product. */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

/** A cell is the value's bytes, or null. */
export type Cell = Buffer | null;

export function copyRows(rows: readonly (readonly Cell[])[]): Uint8Array {
  const pieces: Buffer[] = [SIGNATURE];
  for (const cells of rows) {
    pieces.push(int2(cells.length));
    for (const cell of cells) pieces.push(...(cell === null ? [int4(-1)] : [int4(cell.length), cell]));
  }
  return Buffer.concat([...pieces, int2(-1)]);
}

export function int2(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
export function int4(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
export function int8(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
export function float8(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}
/** Version 1, then the text. */
export const jsonb = (value: unknown): Buffer => Buffer.concat([Buffer.from([1]), Buffer.from(JSON.stringify(value))]);
/** Microseconds since 2000-01-01. */
export const timestamptz = (date: Date): Buffer => int8((date.getTime() - Date.UTC(2000, 0, 1)) * 1_000);

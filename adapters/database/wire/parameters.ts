/**
 * JavaScript values as PostgreSQL reads them, the same on all engines: text for everything, except that bytes by themselves
 * travel in the binary format. Types are left to the server, which infers them from the statement.
 */

import { DatabaseError } from '../database.ts';

/** Text, bytes (`bytea`) or null for each. Throws a DatabaseError (`refused`) for an invalid Date or what JSON cannot hold. */
export function encodeParameters(values: readonly unknown[]): (string | Buffer | null)[] {
  return values.map((value, i) => {
    try {
      return encodeParameter(value);
    } catch (error) {
      const where = `$${i + 1}`;
      throw new DatabaseError('refused', `Parameter ${where} cannot be sent: ${(error as Error).message}`, { where });
    }
  });
}

function encodeParameter(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return bufferOf(value);
  if (Array.isArray(value)) return encodeArray(value);
  return encodeScalar(value);
}

function encodeScalar(value: unknown): string {
  if (value instanceof Date) return encodeDate(value);
  if (value instanceof Uint8Array) return `\\x${bufferOf(value).toString('hex')}`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** ISO 8601 writes years beyond four digits and before year 1 with a sign, which PostgreSQL does not read. */
function encodeDate(date: Date): string {
  const text = date.toISOString();
  const year = date.getUTCFullYear();
  if (year > 0 && year <= 9999) return text;
  const rest = text.slice(text.indexOf('-', 1));
  return year > 0 ? `${year}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`;
}

/** https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO */
function encodeArray(values: readonly unknown[]): string {
  return `{${values.map(encodeElement).join(',')}}`;
}

function encodeElement(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return encodeArray(value);
  const text = typeof value === 'string' ? value : encodeScalar(value);
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

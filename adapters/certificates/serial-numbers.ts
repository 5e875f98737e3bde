import { randomBytes } from 'node:crypto';

const BYTES = 16;

/**
 * 16 bytes as upper-case hex, as OpenSSL and Node write them: random but for their first two bits, which make the number positive and never
 * shorter (RFC 5280, section 4.1.2.2).
 */
export function newSerialNumber(random: (bytes: number) => Uint8Array = randomBytes): string {
  const bytes = Buffer.from(random(BYTES));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex').toUpperCase();
}

export const isSerialNumber = (text: string): boolean => /^[0-9A-F]{32}$/.test(text);

/** As much of DER (X.690) as a list of revoked certificates needs. */

type Bytes = Uint8Array;

export const SEQUENCE = 0x30;
const INTEGER = 0x02;
const ENUMERATED = 0x0a;
const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

export function tagged(tag: number, ...parts: readonly Bytes[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([head(tag, content.length), content]);
}

export const sequence = (...parts: readonly Bytes[]): Buffer => tagged(SEQUENCE, ...parts);
export const octets = (content: Bytes): Buffer => tagged(OCTET_STRING, content);
export const bits = (content: Bytes): Buffer => tagged(BIT_STRING, Buffer.from([0]), content);
export const enumerated = (value: number): Buffer => tagged(ENUMERATED, Buffer.from([value]));

/** @param hex of a number that is not negative */
export function integer(hex: string): Buffer {
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  const bytes = Buffer.from(even, 'hex');
  return tagged(INTEGER, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** @param content all of its bytes, but for tag and length */
export const objectIdentifier = (content: readonly number[]): Buffer => tagged(OBJECT_IDENTIFIER, Buffer.from(content));

/** RFC 5280, section 4.1.2.5: through 2049 with two digits of the year. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? tagged(UTC_TIME, Buffer.from(digits.slice(2)))
    : tagged(GENERALIZED_TIME, Buffer.from(digits));
}

/** Lengths up to 127 are one byte, longer ones say in how many bytes they are. */
function head(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes]);
}

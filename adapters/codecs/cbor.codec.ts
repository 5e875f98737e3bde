import { Decoder } from 'cbor-x';
import { CodecError } from '../../contracts/codecs.ts';

// `mapsAsObjects`: what JSON can say, and nothing else, goes on to the actor. Each message is decoded by itself.
const decoder = new Decoder({ mapsAsObjects: true, useRecords: false });

/** RFC 8949. Integers of 64 bits become numbers; dates, byte strings and tagged values are not what a reading has. */
export function decodeCbor(payload: Uint8Array): unknown {
  try {
    return plain(decoder.decode(payload as Buffer), 64);
  } catch (error) {
    if (error instanceof CodecError) throw error;
    throw new CodecError('invalid_cbor', 'The payload is not CBOR');
  }
}

/** The value with nothing in it that JSON could not say. `depth`: how much deeper it may go. */
function plain(value: unknown, depth: number): unknown {
  if (depth < 0) throw new CodecError('invalid_value', 'A value is nested too deep');
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value === undefined ? null : value;
  if (Array.isArray(value)) return value.map(inner => plain(inner, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype)
    throw new CodecError('invalid_value', 'A value is of a kind that JSON does not have');
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, depth - 1)]));
}

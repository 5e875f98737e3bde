import { CodecError, type Decode } from '../../contracts/codecs.ts';
import { decodeCbor } from './cbor.codec.ts';
import { decodeJson } from './json.codec.ts';

/** Every codec: the content type that names it, and its decoder. */
const CODECS: ReadonlyMap<string, (payload: Uint8Array) => unknown> = new Map([
  ['application/json', decodeJson],
  ['application/cbor', decodeCbor],
]);

/**
 * Decodes by the content type, or, when the sender did not say one, by the first byte: CBOR maps and arrays begin with 0x80
 * to 0xBF, bytes with which no UTF-8 text begins (RFC 8949, section 3.1; RFC 3629).
 */
export const decode: Decode = (contentType, payload) => {
  if (contentType === '') return isCbor(payload) ? decodeCbor(payload) : decodeJson(payload);
  const known = CODECS.get(contentType.split(';', 1)[0]!.trim().toLowerCase());
  if (known) return known(payload);
  throw new CodecError('invalid_shape', `There is no decoder for "${contentType.slice(0, 60)}"`);
};

const isCbor = (payload: Uint8Array): boolean => payload.length > 0 && payload[0]! >= 0x80 && payload[0]! <= 0xbf;

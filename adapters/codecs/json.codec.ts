import { isUtf8 } from 'node:buffer';
import { CodecError } from '../../contracts/codecs.ts';

/** RFC 8259, which asks for UTF-8. Buffer.toString would replace what is not UTF-8 and store something else than was sent. */
export function decodeJson(payload: Uint8Array): unknown {
  if (!isUtf8(payload)) throw new CodecError('invalid_utf8', 'The payload is not UTF-8');
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new CodecError('invalid_json', 'The payload is not JSON');
  }
}

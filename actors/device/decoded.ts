import { CodecError, type Decode } from '../../contracts/codecs.ts';
import type { Refusal, Uplink } from '../../contracts/uplinks.ts';

/** What an uplink's payload says, or why that can't be read. */
export function decoded({ contentType, payload }: Uplink, decode: Decode): { value: unknown } | { refusal: Refusal } {
  try {
    return { value: decode(contentType, payload) };
  } catch (error) {
    if (error instanceof CodecError) return { refusal: { reason: error.reason, detail: error.message } };
    throw error;
  }
}

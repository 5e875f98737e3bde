import type { DeadLetterReason } from './uplinks.ts';

/** Bytes to a plain value (what JSON can say). Throws a CodecError. */
export type Decode = (contentType: string, payload: Uint8Array) => unknown;

/** The bytes are not what they should be. `reason` is what the dead letter says. */
export class CodecError extends Error {
  readonly reason: DeadLetterReason;
  constructor(reason: DeadLetterReason, detail: string) {
    super(detail);
    this.name = 'CodecError';
    this.reason = reason;
  }
}

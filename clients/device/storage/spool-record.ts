/** A record of the spool: `kind (1 byte) | number (6) | length of the key (1) | key | payload`. */

/** The place in this list is what is written. `removed` takes the message with its number away; it has no payload. */
const KINDS = ['removed', 'telemetry', 'report', 'event', 'ack'] as const;
export type MessageKind = Exclude<(typeof KINDS)[number], 'removed'>;

export const KEY_MAX_BYTES = 255;
const HEAD_BYTES = 8;

export type SpoolRecord = {
  readonly kind: (typeof KINDS)[number];
  /** Rises by one with each message. */
  readonly number: number;
  /** Says which message it is, so that it is not spooled twice; empty: it does not matter. */
  readonly key: string;
  readonly payload: Buffer;
};

export function encodeSpoolRecord({ kind, number, key, payload }: SpoolRecord): Buffer {
  const keyBytes = Buffer.from(key);
  if (keyBytes.length > KEY_MAX_BYTES) throw new RangeError(`A key has at most ${KEY_MAX_BYTES} bytes`);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(KINDS.indexOf(kind), 0);
  head.writeUIntLE(number, 1, 6);
  head.writeUInt8(keyBytes.length, 7);
  return Buffer.concat([head, keyBytes, payload]);
}

/** Undefined: not one of these, though its checksum is right. */
export function decodeSpoolRecord(bytes: Buffer): SpoolRecord | undefined {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  if (kind === undefined || bytes.length < HEAD_BYTES) return undefined;
  const keyEnd = HEAD_BYTES + bytes.readUInt8(7);
  if (bytes.length < keyEnd) return undefined;
  return {
    kind,
    number: bytes.readUIntLE(1, 6),
    key: bytes.toString('utf8', HEAD_BYTES, keyEnd),
    payload: bytes.subarray(keyEnd),
  };
}

/** What a sealed text begins with: a version, and the number of its data key as 4 bytes. */
const VERSION = 1;
export const SEALED_HEAD_BYTES = 5;

export function sealedHead(keyId: number): Uint8Array {
  const head = Buffer.alloc(SEALED_HEAD_BYTES);
  head.writeUInt8(VERSION);
  head.writeUInt32BE(keyId, 1);
  return head;
}

/** Undefined: it was not sealed by us. */
export function keyIdOf(sealed: Uint8Array): number | undefined {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  return bytes.length > SEALED_HEAD_BYTES && bytes[0] === VERSION ? bytes.readUInt32BE(1) : undefined;
}

/**
 * A PUBLISH to a client, as bytes (section 3.3 of both versions). Written here and not by aedes, so that its packet identifier is known,
 * which its PUBACK names, and so that it is known when its bytes have left.
 */

/** What is sent, to whomever. `contentType` is empty when nobody said. */
export type Publishing = { readonly topic: string; readonly payload: Uint8Array; readonly contentType: string };

/** Where the packet identifier is to be put. Of QoS 0 there is none: 0. */
export type PublishPacket = { readonly bytes: Buffer; readonly idAt: number };

const CONTENT_TYPE = 0x03;
const SUBSCRIPTION_IDENTIFIER = 0x0b;

export function encodePublish(
  { topic, payload, contentType }: Publishing,
  qos: 0 | 1 | 2,
  identifiers: readonly number[],
  isVersion5: boolean,
): PublishPacket {
  const topicBytes = Buffer.byteLength(topic);
  const properties = isVersion5 ? encodeProperties(contentType, identifiers) : NOTHING;
  const headBytes = 2 + topicBytes + (qos > 0 ? 2 : 0) + properties.length;
  const remaining = headBytes + payload.length;
  const bytes = Buffer.allocUnsafe(1 + sizeOfNumber(remaining) + remaining);
  bytes[0] = 0x30 | (qos << 1);
  let at = writeNumber(bytes, remaining, 1);
  at = bytes.writeUInt16BE(topicBytes, at);
  at += bytes.write(topic, at);
  const idAt = qos > 0 ? at : 0;
  if (qos > 0) at = bytes.writeUInt16BE(0, at);
  bytes.set(properties, at);
  bytes.set(payload, at + properties.length);
  return { bytes, idAt };
}

const NOTHING = Buffer.alloc(0);
const NO_PROPERTIES = Buffer.from([0]);

/** With their length before them. */
function encodeProperties(contentType: string, identifiers: readonly number[]): Buffer {
  if (contentType === '' && identifiers.length === 0) return NO_PROPERTIES;
  const typeBytes = Buffer.byteLength(contentType);
  let size = contentType === '' ? 0 : 3 + typeBytes;
  for (const identifier of identifiers) size += 1 + sizeOfNumber(identifier);
  const bytes = Buffer.allocUnsafe(sizeOfNumber(size) + size);
  let at = writeNumber(bytes, size, 0);
  if (contentType !== '') {
    at = bytes.writeUInt8(CONTENT_TYPE, at);
    at = bytes.writeUInt16BE(typeBytes, at);
    at += bytes.write(contentType, at);
  }
  for (const identifier of identifiers)
    at = writeNumber(bytes, identifier, bytes.writeUInt8(SUBSCRIPTION_IDENTIFIER, at));
  return bytes;
}

/** Numbers of one to four bytes: seven bits in each, and whether another one follows. */
const sizeOfNumber = (value: number): number => (value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4);

function writeNumber(bytes: Buffer, value: number, at: number): number {
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

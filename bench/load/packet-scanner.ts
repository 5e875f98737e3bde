/** Finds CONNACK and PUBACK in the bytes of a connection, and steps over everything else. */
const CONNACK = 2;
const PUBACK = 4;

export type ScannedPackets = {
  /** MQTT 3.1.1, 3.2.2.3: 0 is accepted. */
  connack(returnCode: number): void;
  puback(packetId: number): void;
};

export class PacketScanner {
  #rest: Uint8Array | undefined;
  readonly #found: ScannedPackets;

  constructor(found: ScannedPackets) {
    this.#found = found;
  }

  feed(chunk: Uint8Array): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    let at = 0;
    while (at < bytes.length) {
      const end = endOfPacket(bytes, at);
      if (end === undefined || end > bytes.length) {
        this.#rest = bytes.subarray(at);
        return;
      }
      const kind = bytes[at]! >> 4;
      if (kind === PUBACK) this.#found.puback((bytes[at + 2]! << 8) | bytes[at + 3]!);
      else if (kind === CONNACK) this.#found.connack(bytes[at + 3]!);
      at = end;
    }
  }
}

/** Where the packet that begins at `at` ends; undefined while its length is not all there. MQTT 3.1.1, 2.2.3. */
export function endOfPacket(bytes: Uint8Array, at: number): number | undefined {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + 1 + i];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << (7 * i);
    if (byte < 128) return at + 2 + i + length;
  }
  throw new Error('The remaining length of a packet has more than four bytes');
}

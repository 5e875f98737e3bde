/**
 * Which packet identifiers of QoS 2 a client has sent and not yet released: two bits for each of the 65,536 there can be,
 * 16 KiB, made when a connection first uses QoS 2. So it needs no limit and forgets nothing.
 */
export const FREE = 0;
/** Received, and its outcome is not known yet. */
export const UNDER_WAY = 1;
/** Answered by a PUBREC; the PUBREL has not come. */
export const ANSWERED = 2;
export type PacketIdState = typeof FREE | typeof UNDER_WAY | typeof ANSWERED;

export class PacketIds {
  #bits: Uint8Array | undefined;

  get(id: number): PacketIdState {
    if (this.#bits === undefined) return FREE;
    return ((this.#bits[id >> 2]! >> ((id & 3) * 2)) & 3) as PacketIdState;
  }

  set(id: number, state: PacketIdState): void {
    this.#bits ??= new Uint8Array(65_536 / 4);
    const shift = (id & 3) * 2;
    this.#bits[id >> 2] = (this.#bits[id >> 2]! & ~(3 << shift)) | (state << shift);
  }
}

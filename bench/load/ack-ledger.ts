/** Which messages of each device were sent and which were acknowledged: one bit for each sequence number. */
export type LedgerEntry = {
  /** Sequence numbers 0 to `sent - 1` were sent, some of them perhaps more than once. */
  readonly sent: number;
  readonly acknowledged: Uint8Array;
};
/** One entry for each device, in the order of the devices given to the generator. */
export type Ledger = readonly LedgerEntry[];

export class AckLedger {
  readonly #bits: Uint8Array[];

  constructor(devices: number) {
    this.#bits = Array.from({ length: devices }, () => new Uint8Array(64));
  }

  acknowledge(device: number, sequence: number): void {
    let bits = this.#bits[device]!;
    const byte = sequence >>> 3;
    if (byte >= bits.length) {
      const longer = new Uint8Array(Math.max(byte + 1, bits.length * 2));
      longer.set(bits);
      this.#bits[device] = bits = longer;
    }
    bits[byte] = bits[byte]! | (1 << (sequence & 7));
  }

  /** @param sent for each device, how many messages it sent */
  entries(sent: readonly number[]): Ledger {
    return this.#bits.map((acknowledged, device) => ({ sent: sent[device]!, acknowledged }));
  }
}

export const isAcknowledgedIn = (entry: LedgerEntry, sequence: number): boolean =>
  ((entry.acknowledged[sequence >>> 3] ?? 0) & (1 << (sequence & 7))) !== 0;

/** How many messages of all devices were acknowledged. */
export function countAcknowledged(ledger: Ledger): number {
  let count = 0;
  for (const { acknowledged } of ledger) for (let byte of acknowledged) for (; byte !== 0; byte &= byte - 1) count++;
  return count;
}

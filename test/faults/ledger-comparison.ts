/** Holds what a device was promised against what is stored. */
import { isAcknowledgedIn, type LedgerEntry } from '../../bench/load/ack-ledger.ts';
import { type PayloadKind, sequenceOf, valuesOf } from '../../bench/load/payload.ts';
import type { StoredMessage } from '../../bench/measure/stored.ts';

export type LedgerDevice = {
  readonly deviceId: string;
  /** Its place in the generator's list. */
  readonly number: number;
  readonly payload: PayloadKind;
  /** The timestamp of its sequence 0; undefined when that changed on the way, and is not compared. */
  readonly baseMs: number | undefined;
};

/** How many, and the first few of them in words. */
export class Finding {
  static readonly SHOWN = 5;
  count = 0;
  readonly examples: string[] = [];
  add(example: () => string): void {
    this.count++;
    if (this.examples.length < Finding.SHOWN) this.examples.push(example());
  }
}

/** What must not be: each is empty when every promise was kept. */
export class Findings {
  /** Acknowledged, and not stored. */
  readonly missing = new Finding();
  /** Stored more than once. */
  readonly doubled = new Finding();
  /** Stored with other values, another time, or not whole. */
  readonly wrong = new Finding();
  /** Stored, and never sent. */
  readonly unsent = new Finding();
  acknowledged = 0;
  stored = 0;

  get kept(): boolean {
    return this.missing.count + this.doubled.count + this.wrong.count + this.unsent.count === 0;
  }

  toString(): string {
    const told = (['missing', 'doubled', 'wrong', 'unsent'] as const)
      .filter(name => this[name].count > 0)
      .map(name => `${this[name].count} ${name}: ${this[name].examples.join('; ')}`);
    return [`${this.acknowledged} acknowledged, ${this.stored} stored`, ...told].join('\n  ');
  }
}

/** Adds what is wrong with one device to `findings`. */
export function compareDevice(
  device: LedgerDevice,
  entry: LedgerEntry,
  stored: readonly StoredMessage[],
  findings: Findings,
): void {
  const times = new Uint8Array(entry.sent);
  for (const message of stored) {
    findings.stored++;
    const sequence = message.temperature === null ? undefined : sequenceOf(message.temperature);
    const told = () => `${device.deviceId} ${JSON.stringify(message)}`;
    if (sequence === undefined) findings.wrong.add(told);
    else if (sequence >= entry.sent) findings.unsent.add(told);
    else {
      if (!isWhole(device, sequence, message)) findings.wrong.add(told);
      if (times[sequence]! > 0) findings.doubled.add(told);
      times[sequence] = 1;
    }
  }
  for (let sequence = 0; sequence < entry.sent; sequence++) {
    if (!isAcknowledgedIn(entry, sequence)) continue;
    findings.acknowledged++;
    if (times[sequence] === 0) findings.missing.add(() => `${device.deviceId} sequence ${sequence}`);
  }
}

function isWhole(device: LedgerDevice, sequence: number, message: StoredMessage): boolean {
  const sent = valuesOf(device.number, sequence);
  const timeFits =
    device.payload === 'messageId' || device.baseMs === undefined || message.tsMs === device.baseMs + sequence;
  return timeFits && message.rows === 3 && message.humidity === sent.humidity && message.pressure === sent.pressure;
}

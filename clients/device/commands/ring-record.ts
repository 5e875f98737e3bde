/** A record of the ring: JSON, each with all that is known of its command by then. */
import { encodeRecord } from '../storage/records.ts';
import type { Answer } from './answer.ts';

export type RingCommand = {
  readonly id: string;
  readonly command: string;
  readonly deadlineMs: number | null;
};
export type RingEntry = RingCommand & {
  /** Null: it was started, and nobody knows how it ended. */
  readonly answer: Answer | null;
  /** The server has the answer. */
  readonly isSettled: boolean;
};
export type RingRecord = RingEntry | { readonly settled: string };

const encode = (value: unknown): Buffer => encodeRecord(Buffer.from(JSON.stringify(value)));
export const encodeRingEntry = (entry: RingEntry): Buffer => encode(entry);
export const encodeSettled = (id: string): Buffer => encode({ settled: id } satisfies RingRecord);

/** Undefined: not one of these, though its checksum is right. */
export function decodeRingRecord(bytes: Buffer): RingRecord | undefined {
  try {
    const value = JSON.parse(bytes.toString()) as Partial<RingEntry & { settled: string }>;
    if (typeof value.settled === 'string') return { settled: value.settled };
    const { id, command, deadlineMs = null, answer, isSettled = false } = value;
    if (typeof id !== 'string' || typeof command !== 'string' || answer === undefined) return undefined;
    return { id, command, deadlineMs, answer, isSettled };
  } catch {
    return undefined;
  }
}

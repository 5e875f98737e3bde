/** What a simulated device sends: each message can be recognised in the database by its number. */

import type { Effects } from '../../contracts/store.ts';
import { POISON } from './sim-tables.ts';

/**
 * - `stamped`: with a time of its own, so that it is the same datapoint whenever it comes. - `named`: with a messageId.
 * - `plain`: with neither: each time that it is sent it may become another datapoint. - `late`: a time before all others.
 * - `broken`: no JSON, so it becomes a dead letter. - `poisoned`: the database refuses it.
 */
export type MessageKind = 'stamped' | 'named' | 'plain' | 'late' | 'broken' | 'poisoned';

const KINDS: readonly MessageKind[] = [
  'stamped',
  'named',
  'plain',
  'stamped',
  'late',
  'named',
  'broken',
  'plain',
  'stamped',
  'poisoned',
];
const DAY_MS = 86_400_000;
export const EPOCH_MS = Date.UTC(2026, 0, 1);

export const kindOf = (seq: number, offset: number): MessageKind => KINDS[(seq * 7 + offset) % KINDS.length]!;

export function payloadOf(seq: number, kind: MessageKind): Uint8Array {
  const timestamp = EPOCH_MS - (kind === 'late' ? 2 * DAY_MS : DAY_MS) + seq * 1_000;
  if (kind === 'broken') return Buffer.from(`{"seq":${seq}`);
  if (kind === 'plain') return json({ seq });
  if (kind === 'named') return json({ seq, messageId: `m${seq}` });
  return json(kind === 'poisoned' ? { seq, timestamp, [POISON]: 1 } : { seq, timestamp });
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

export function seqOf(payload: Uint8Array): number {
  return Number(/"seq":(\d+)/.exec(Buffer.from(payload).toString())![1]);
}

/** The number of the message that these effects store; undefined: they are not about a message. */
export function seqOfEffects({ datapoints, deadLetter }: Effects): number | undefined {
  if (deadLetter) return deadLetter.kind === 'telemetry' ? seqOf(deadLetter.payload) : undefined;
  return datapoints.find(point => point.measurement === 'seq')?.value ?? undefined;
}

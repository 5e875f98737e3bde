/** The forms in which batches and their outcomes cross the bus: columns, so that nothing is said once for each uplink twice. */
import type { Batch, Outcome } from './uplinks.ts';

/** A batch in columns; `adapters/bus/packed-batch.ts` makes and reads them. */
export type PackedBatch = Omit<Batch, 'uplinks'> & {
  readonly tenants: readonly string[];
  readonly devices: readonly string[];
  readonly sessions: readonly number[];
  readonly receivedAtMs: readonly number[];
  readonly kinds: readonly number[];
  /** Empty where the topic is the usual one of its kind. */
  readonly topics: readonly string[];
  readonly contentTypes: readonly string[];
  readonly payloads: readonly Uint8Array[];
  /** Refusals, by the place of their uplink. */
  readonly refused: readonly (readonly [number, string, string])[];
  /** Dead letters that are tried again, by the place of their uplink. Absent: none. */
  readonly again?: readonly (readonly [number, string])[];
};

/** One character for each outcome that needs no more; the others in full, by place. */
export type PackedOutcomes = { readonly states: string; readonly full: readonly (readonly [number, Outcome])[] };

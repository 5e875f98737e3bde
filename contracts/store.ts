/** What actors want made true, and the port to what makes it true. Times inside are microseconds since 1970 (UTC). */
import type { CommandChange, CommandRecord, CommandState } from './commands.ts';
import type { LifecycleState } from './devices.contract.ts';
import type { Output } from './downlinks.ts';
import type { DeviceEvent } from './events.ts';
import type { SessionChange, SessionRecord } from './sessions.ts';
import type { TwinChange, TwinRecord } from './twins.ts';
import type { DeadLetterReason, DeviceAddress, Outcome } from './uplinks.ts';
import type { TypeRules } from './validation.ts';

export type Datapoint = {
  readonly measurement: string;
  readonly tsUs: number;
  /** The number, or 0 and 1 for a boolean; null for everything else. */
  readonly value: number | null;
  /** The value as JSON text, when it is not a number. */
  readonly json: string | null;
  /** False only when this key is certainly new, so that it may be written by plain COPY. */
  readonly mayExist: boolean;
  /** It lies in another hour than the newest one of its series before it. */
  readonly opens: boolean;
  /** 0 to 1, as the sender says. Null: it said nothing. */
  readonly quality: number | null;
  /** What the device's type finds wrong with it, as bits (contracts/validation.ts). */
  readonly flags: number;
  /** The whole message is stored only if this id is new for the device. */
  readonly messageId: string | null;
};

export type DeadLetter = {
  /** A UUID, made with the effect: writing the same dead letter again changes nothing. */
  readonly id: string;
  readonly deviceId: string;
  readonly kind: string;
  readonly topic: string;
  readonly contentType: string;
  readonly reason: DeadLetterReason;
  readonly detail: string;
  readonly payload: Uint8Array;
  readonly receivedAtMs: number;
  /** Not kept when this command of the device ended in this state: then it is only a repetition of what is stored. */
  readonly unless: { readonly commandId: string; readonly state: CommandState } | null;
};

/** What one uplink wants made true, and what its sender is told once it is. */
export type Effects = {
  readonly tenantId: number;
  readonly deviceUid: number;
  readonly datapoints: readonly Datapoint[];
  readonly deadLetter: DeadLetter | null;
  /** Its connection was opened or closed. A change that is older than what is stored changes nothing. */
  readonly session: SessionChange | null;
  /** Its twin as it is from now on. Null: nothing of it changed. */
  readonly twin: TwinChange | null;
  /** Commands as they are from now on, each at most once. A new one whose id or idempotency key exists fails the transaction. */
  readonly commands: readonly CommandChange[];
  readonly events: readonly DeviceEvent[];
  /**
   * The id of the dead letter that is tried again. It counts as replayed with whatever of it is stored; when it is refused again, no other
   * one is made of it.
   */
  readonly again?: string;
  /** It is the first that is heard of the device: from now on it is active. */
  readonly activates?: true;
  /** Not stored: let out when the rest is, and not before. */
  readonly outputs: readonly Output[];
  readonly outcome: Outcome;
};

/** Nothing to make true, but something to say. */
export const noEffects = (tenantId: number, deviceUid: number, outcome: Outcome): Effects => ({
  tenantId,
  deviceUid,
  datapoints: NOTHING,
  deadLetter: null,
  session: null,
  twin: null,
  commands: NOTHING,
  events: NOTHING,
  outputs: NOTHING,
  outcome,
});
const NOTHING: readonly never[] = [];

/** What is stored of a device, as its actor needs it. */
export type DeviceRecord = {
  readonly tenantId: number;
  readonly deviceUid: number;
  readonly state: LifecycleState;
  /** Its measurements, and for each the newest stored timestamp (0: none). Two arrays of one length. */
  readonly measurements: string[];
  readonly newestUs: number[];
  /** Null: it never connected. */
  readonly session: SessionRecord | null;
  /** Null: it has neither reported nor been asked anything. */
  readonly twin: TwinRecord | null;
  /** Its open commands, the oldest first. */
  readonly commands: readonly CommandRecord[];
  /** How many commands may be under way to it at once. Null: as many as is usual. */
  readonly commandWindow: number | null;
  /** What its type says of what it measures: the same object for all devices of the type. Null: it has no type. */
  readonly rules: TypeRules | null;
};

/** Devices that have open commands, and something to do about them that no message will bring. */
export type Due = {
  readonly addresses: readonly DeviceAddress[];
  /** Those that are decommissioned. */
  readonly ended: readonly DeviceAddress[];
  /** Where to go on; null: these were all. */
  readonly after: number | null;
};

export interface Store {
  /** The records of these devices, in their order; undefined for one that does not exist. */
  load(addresses: readonly DeviceAddress[]): Promise<(DeviceRecord | undefined)[]>;
  /**
   * Makes all of this true in one transaction, behind the fence of the lane. Answers for each element whether anything of
   * it was new. With `careful` every datapoint is written as if it may exist already. Rejects with a StoreError.
   * With no effects it only passes the fence: after `outcome_unknown` that waits for the doubtful transaction to end.
   */
  commit(lane: number, effects: readonly Effects[], careful: boolean): Promise<boolean[]>;
  /**
   * Devices of these shards with open commands whose deadline has passed; with `resume` also those that are connected and take commands,
   * and those that are decommissioned. A page of at most `limit`, by device: `after` is the `after` of the page before, 0 for the first.
   */
  due(shards: readonly number[], resume: boolean, after: number, limit: number): Promise<Due>;
}

/**
 * - `unavailable`: nothing was stored, the same may succeed later. - `outcome_unknown`: it may have been stored.
 * - `duplicate_key`: nothing was stored; a datapoint existed. Write it carefully. - `refused`: the content; nothing was stored.
 * - `fenced`: this instance may not write any more, ever.
 */
export type StoreErrorKind = 'unavailable' | 'outcome_unknown' | 'duplicate_key' | 'refused' | 'fenced';

export class StoreError extends Error {
  readonly kind: StoreErrorKind;
  constructor(kind: StoreErrorKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.kind = kind;
  }
}

import type { TwinRecord } from '../../contracts/twins.ts';
import type { DeviceAddress, Outcome, Uplink } from '../../contracts/uplinks.ts';
import type { TypeRules } from '../../contracts/validation.ts';
import { NO_TURN } from '../device/commands/device-commands.ts';
import type { DeviceActor } from '../device/device.actor.ts';

export type Settle = (outcome: Outcome) => void;
/** An uplink that waits for its actor to be loaded. */
export type Waiting = { readonly uplink: Uplink; readonly settle: Settle; readonly sinceMs: number };

/** A device's place in a host: its actor, or what waits for it. */
export type Slot = {
  readonly address: DeviceAddress;
  /** The epoch in which this host has its shard. In another epoch it is no more than a memory of what was. */
  readonly epoch: number;
  actor: DeviceActor | null;
  /** Not null: uplinks wait here, in order, until the actor is loaded (again). */
  waiting: Waiting[] | null;
  /** Effects that are in the lane and not settled. While there are some, the actor is not dropped. */
  inLane: number;
  /** Loading was asked for, or is under way. */
  loading: boolean;
  /** The device was changed while it was being loaded: what was read may be old. */
  outdated: boolean;
  /** What the actor knows may differ from what is stored: its effects in the lane are not to be written. */
  doubtful: boolean;
  /** Not to be loaded yet: a transaction with its effects may still be under way. */
  barred: boolean;
  /** How many of `waiting` came back from the lane: they are older than the rest. */
  returned: number;
  /** The sweep of the host that saw it last used. */
  usedAtSweep: number;
  /** Its twin as it is stored, while the actor may be ahead of that. */
  twin: TwinRecord | null;
  /** What its type says, which its actor goes by. */
  rules: TypeRules | null;
  /** When its actor is to be woken, and the priority of the turn that it waits for: kept by `Wakes`. */
  dueAtMs: number;
  turn: number;
};

export const newSlot = (address: DeviceAddress, epoch: number): Slot => ({
  address,
  epoch,
  actor: null,
  waiting: null,
  inLane: 0,
  loading: false,
  outdated: false,
  doubtful: false,
  barred: false,
  returned: 0,
  usedAtSweep: 0,
  twin: null,
  rules: null,
  dueAtMs: Number.POSITIVE_INFINITY,
  turn: NO_TURN,
});

/** A command to a device: what is asked, and how far it has come. */
import type { JsonObject } from './json.ts';

/**
 * - `queued`: waits for the device, or for its turn. - `sent`: an attempt was committed, and after that handed to the connection.
 * - `delivered`: the device's transport acknowledged it. The others end it, and never change:
 * - `succeeded`, `failed`, `rejected`: the device says so. - `expired`: the deadline passed before any attempt.
 * - `cancelled`, `superseded`: before any attempt. - `unknown`: after an attempt, and nobody can say what came of it.
 */
export const COMMAND_STATES = [
  'queued',
  'sent',
  'delivered',
  'succeeded',
  'failed',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'unknown',
] as const;
export type CommandState = (typeof COMMAND_STATES)[number];
export type OpenState = 'queued' | 'sent' | 'delivered';

export const isOpen = (state: CommandState): state is OpenState =>
  state === 'queued' || state === 'sent' || state === 'delivered';
/** An attempt is under way, so it takes a place in the device's window. */
export const isUnderWay = (state: CommandState): boolean => state === 'sent' || state === 'delivered';
/** Ends that somebody should look at: the list of commands that may be sent again. */
export const BAD_ENDS = ['failed', 'rejected', 'expired', 'unknown'] as const satisfies readonly CommandState[];

/** The most urgent first. A record holds the place in this list. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** `retry`: sent again until it is answered or its deadline passes, so devices know commands by their id. `once`: never again. */
export const COMMAND_MODES = ['retry', 'once'] as const;
export type CommandMode = (typeof COMMAND_MODES)[number];

/** One step of a command's life. */
export type CommandTransition = {
  readonly state: CommandState;
  readonly atMs: number;
  /** How many attempts there were by then. */
  readonly attempt: number;
  /** A word, or what the device said; null where the state says it all. */
  readonly reason: string | null;
};

/** What is asked. It never changes. */
export type CommandOrder = {
  /** UUID version 7: in the order in which they were made. */
  readonly id: string;
  /** Of the device. */
  readonly shard: number;
  readonly name: string;
  /** An object, as JSON text: there may be many in memory, and only their device looks into them. */
  readonly parametersJson: string;
  readonly mode: CommandMode;
  /** The place in `PRIORITIES`. */
  readonly priority: number;
  /** The newest command of a device with this key replaces those that wait. */
  readonly supersedes: string | null;
  readonly createdAtMs: number;
  readonly deadlineMs: number;
  /** One command for each key of a tenant; `requestHash` says whether it was the same request. */
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
  /** The job that made it, and the command that it repeats. */
  readonly jobId: string | null;
  readonly resendOf: string | null;
  /** Who asked: `user <id>` or `application <id>`. */
  readonly requestedBy: string;
};

/** What is stored of it. */
export type CommandRecord = CommandOrder & {
  readonly state: CommandState;
  /** How often it was sent. */
  readonly attempt: number;
  /** The oldest first; of more than `commandMaxTransitions` the first one and the newest. */
  readonly transitions: readonly CommandTransition[];
  readonly endedAtMs: number | null;
  /** What the device answered; undefined: nothing. */
  readonly result?: unknown;
  readonly error?: unknown;
};

/** A command as it is from now on. */
export type CommandChange = { readonly isNew: boolean; readonly record: CommandRecord };

/** What a device gets (docs/commands.md). `deadline` is ISO 8601. */
export type CommandMessage = {
  readonly id: string;
  readonly command: string;
  readonly parameters: JsonObject;
  readonly attempt: number;
  readonly deadline: string;
};

/**
 * What a device may answer. `accepted` ends nothing; `unknown`: it can't say whether it was carried out (it was interrupted by a
 * restart); `rejected`: it did not and will not carry it out.
 */
export const ACK_STATUSES = ['accepted', 'succeeded', 'failed', 'rejected', 'unknown'] as const;
export type AckStatus = (typeof ACK_STATUSES)[number];

/** What services ask of a device's actor, which alone changes its device. Each travels as the payload (JSON) of an uplink of kind `request`. */
import type { CommandOrder, CommandState, CommandTransition } from './commands.ts';
import type { DesiredAnswer, DesiredChange } from './twins.ts';

export type DeviceRequest =
  | ({ readonly type: 'desired' } & DesiredChange)
  /** `notify`: the address of the node that wants to be told of its end; null: none. */
  | { readonly type: 'command'; readonly order: CommandOrder; readonly notify: string | null }
  | { readonly type: 'cancel'; readonly id: string; readonly reason: string };

/** How far a command is, after the commit. */
export type CommandProgress = {
  readonly id: string;
  readonly state: CommandState;
  readonly attempt: number;
  readonly transitions: readonly CommandTransition[];
};
/**
 * - `too_many_open`: the device has as many open commands as it may. - `lifecycle_conflict`: it is decommissioned.
 * - `idempotency_key_reused`: an open command of the device has this key and was another request. - `not_open`: there is no such open
 * command: it has ended, or never was. - `deadline_passed`.
 */
export type CommandRefusal =
  | 'too_many_open'
  | 'lifecycle_conflict'
  | 'idempotency_key_reused'
  | 'not_open'
  | 'deadline_passed';
/** `progress.id` is another one than that of the order when its idempotency key, or its id, belongs to an open command. */
export type CommandAnswer =
  | { readonly progress: CommandProgress }
  | { readonly error: CommandRefusal; readonly detail: string };

export type AnswerTo<R extends DeviceRequest['type']> = R extends 'desired' ? DesiredAnswer : CommandAnswer;

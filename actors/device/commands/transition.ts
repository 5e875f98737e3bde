import type { CommandRecord, CommandTransition } from '../../../contracts/commands.ts';
import { isOpen } from '../../../contracts/commands.ts';
import type { DeviceEvent } from '../../../contracts/events.ts';
import type { Limits } from '../../../contracts/limits.ts';

type Step = Omit<CommandTransition, 'attempt'> & { readonly attempt?: number };

/** The command after this step of its life. */
export function stepped(
  record: CommandRecord,
  { state, atMs, attempt = record.attempt, reason }: Step,
  { commandMaxTransitions }: Pick<Limits, 'commandMaxTransitions'>,
): CommandRecord {
  const transitions = kept([...record.transitions, { state, atMs, attempt, reason }], commandMaxTransitions);
  return { ...record, state, attempt, transitions, endedAtMs: isOpen(state) ? null : atMs };
}

/** The first one says when it began; of the others the newest are of use. */
const kept = (transitions: readonly CommandTransition[], max: number): readonly CommandTransition[] =>
  transitions.length <= max ? transitions : [transitions[0]!, ...transitions.slice(transitions.length - max + 1)];

/** What is told of its last step. */
export function commandEvent({ id, name: command, mode, transitions }: CommandRecord): DeviceEvent {
  const { atMs, ...step } = transitions.at(-1)!;
  return { kind: 'device.command', atMs, data: { id, command, mode, ...step } };
}

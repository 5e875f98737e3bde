/** Whether the steps of a command's life may follow each other so. */
import {
  type CommandMode,
  type CommandState,
  type CommandTransition,
  isOpen,
  isUnderWay,
} from '../../../contracts/commands.ts';
import type { Delivery } from '../../../contracts/downlinks.ts';

/** Ends that are certain only while nothing was sent. */
const BEFORE_ANY_ATTEMPT: readonly CommandState[] = ['expired', 'cancelled', 'superseded'];

const NOT_DELIVERED: readonly (string | null)[] = ['gone', 'not_receiving', 'full'] satisfies Exclude<
  Delivery,
  'sent'
>[];

/** The first thing that may not be, in words; undefined: all is as it may be. */
export function pathFault(mode: CommandMode, steps: readonly CommandTransition[]): string | undefined {
  const [first] = steps;
  if (first === undefined) return 'nothing is told of it';
  if (first.state !== 'queued' || first.attempt !== 0) return `it begins with ${told(first)}`;
  for (const [i, step] of steps.slice(1).entries()) {
    const fault = stepFault(mode, steps[i]!, step);
    if (fault !== undefined) return `${told(step)} after ${told(steps[i]!)}: ${fault}`;
  }
  return undefined;
}

function stepFault(mode: CommandMode, before: CommandTransition, step: CommandTransition): string | undefined {
  const { state, attempt } = step;
  if (!isOpen(before.state)) return 'it had ended';
  if (state === 'sent') {
    if (isPutBack(before, step)) return attempt > 0 ? undefined : 'there was no attempt';
    if (mode === 'once' && isUnderWay(before.state)) return 'in mode once nothing is sent again';
    if (mode === 'once' && attempt !== 1) return 'in mode once there is one attempt';
    return attempt === before.attempt + 1 ? undefined : 'attempts are counted one by one';
  }
  if (state === 'queued') return isPutBack(before, step) && attempt === 0 ? undefined : 'it can not be put back';
  if (attempt !== before.attempt) return 'only sending is an attempt';
  if (BEFORE_ANY_ATTEMPT.includes(state)) return attempt === 0 ? undefined : 'there was an attempt';
  return attempt > 0 ? undefined : 'there was no attempt';
}

/** What certainly never left was no attempt: with none before it waits as it did, with one before that one is under way all the same. */
const isPutBack = (before: CommandTransition, { attempt, reason }: CommandTransition): boolean =>
  before.state === 'sent' && attempt === before.attempt - 1 && NOT_DELIVERED.includes(reason);

const told = ({ state, attempt }: CommandTransition): string => `${state} (attempt ${attempt})`;

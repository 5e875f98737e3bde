/** Each command as its events tell it, step by step: the same must be stored, and only legal steps may be in it. I9. */
import { type CommandMode, type CommandRecord, type CommandState, isOpen } from '../../contracts/commands.ts';
import type { DeviceEvent } from '../../contracts/events.ts';
import type { Effects } from '../../contracts/store.ts';

type Step = { readonly state: CommandState; readonly attempt: number; readonly reason: string | null };
type History = {
  readonly order: string;
  readonly mode: CommandMode;
  /** The place among all commands, in the order in which they were stored. */
  readonly place: number;
  readonly steps: Step[];
};
type CommandEvent = Extract<DeviceEvent, { kind: 'device.command' }>;

export class CommandHistories {
  readonly #violated: (invariant: string, what: string) => void;
  readonly #all = new Map<string, History>();

  constructor(violated: (invariant: string, what: string) => void) {
    this.#violated = violated;
  }

  modeOf(id: string): CommandMode | undefined {
    return this.#all.get(id)?.mode;
  }

  has(id: string, state: CommandState, attempt: number): boolean {
    return this.#all.get(id)?.steps.some(it => it.state === state && it.attempt === attempt) === true;
  }

  /** It waits, and was never tried. */
  isFresh(id: string): boolean {
    return this.#all.get(id)?.steps.length === 1;
  }

  /** An attempt is stored that was not taken back. */
  wasTried(id: string): boolean {
    return (this.#all.get(id)?.steps.at(-1)?.attempt ?? 0) > 0;
  }

  isOlder(one: string, other: string): boolean {
    return this.#all.get(one)!.place < this.#all.get(other)!.place;
  }

  /** These effects have sent it, as far as anybody knows for the first time. */
  isFirstSending(id: string, { events }: Effects): boolean {
    const steps = this.#all.get(id)!.steps;
    const isHere = events.some(it => it.kind === 'device.command' && it.data.id === id && isSending(it.data));
    return isHere && steps.filter(isSending).length === 1;
  }

  committed({ commands, events }: Effects): void {
    for (const { isNew, record } of commands) this.#isTheSameOrder(isNew, record);
    for (const event of events) if (event.kind === 'device.command') this.#step(event.data, commands);
    for (const { record } of commands) this.#isStoredLikeThat(record);
  }

  #isTheSameOrder(isNew: boolean, record: CommandRecord): void {
    const known = this.#all.get(record.id);
    const order = orderOf(record);
    if (isNew !== (known === undefined))
      this.#violated('I7', `${record.id} was stored as ${isNew ? 'a new' : 'no new'} one`);
    if (known === undefined) this.#all.set(record.id, { order, mode: record.mode, place: this.#all.size, steps: [] });
    else if (known.order !== order) this.#violated('I9', `${record.id} was ${known.order} and is ${order}`);
  }

  #step({ id, state, attempt, reason }: CommandEvent['data'], commands: Effects['commands']): void {
    const known = this.#all.get(id);
    if (known === undefined || !commands.some(it => it.record.id === id))
      return this.#violated('events', `${id} is said to be ${state}, and nothing of that is stored`);
    const before = known.steps.at(-1);
    const isSecondTry = known.mode === 'once' && state === 'sent' && before !== undefined && before.state !== 'queued';
    if (!isLegal(before, { state, attempt, reason }, known.mode))
      this.#violated(
        isSecondTry ? 'I8' : 'I9',
        `${id} (${known.mode}) went from ${told(before)} to ${state} ${attempt} ${reason}`,
      );
    known.steps.push({ state, attempt, reason });
  }

  #isStoredLikeThat({ id, state, attempt, transitions }: CommandRecord): void {
    const { steps } = this.#all.get(id)!;
    const last = steps.at(-1);
    if (last?.state !== state || last.attempt !== attempt)
      this.#violated('events', `${id} is stored as ${state} ${attempt}, and its events end with ${told(last)}`);
    // Of many the first one and the newest are kept.
    const kept = [steps[0]!, ...steps.slice(steps.length - transitions.length + 1)].slice(0, transitions.length);
    const isSame = kept.every((it, i) => told(it) === told(transitions[i]));
    if (!isSame) this.#violated('events', `the transitions of ${id} are not its events: ${transitions.map(told)}`);
  }
}

const told = (step: Step | undefined): string => (step ? `${step.state} ${step.attempt} ${step.reason}` : 'nothing');

const orderOf = ({
  mode,
  deadlineMs,
  priority,
  name,
  supersedes,
  idempotencyKey,
  requestHash,
}: CommandRecord): string =>
  JSON.stringify([mode, deadlineMs, priority, name, supersedes, idempotencyKey, requestHash]);

const isSending = ({ state, reason }: Step): boolean => state === 'sent' && reason === null;

/** Certainly not a byte of the newest attempt was sent. */
const isTakenBack = (before: Step, { attempt, reason }: Step): boolean =>
  before.state === 'sent' &&
  attempt === before.attempt - 1 &&
  (reason === 'gone' || reason === 'not_receiving' || reason === 'full');

function isLegal(before: Step | undefined, { state, attempt, reason }: Step, mode: CommandMode): boolean {
  if (before === undefined) return state === 'queued' && attempt === 0;
  if (!isOpen(before.state)) return false;
  if (isTakenBack(before, { state, attempt, reason })) return state === (attempt > 0 ? 'sent' : 'queued');
  if (state === 'sent') return attempt === before.attempt + 1 && (before.state === 'queued' || mode === 'retry');
  if (attempt !== before.attempt) return false;
  if (state === 'expired' || state === 'cancelled' || state === 'superseded') return attempt === 0;
  // The device may say so at any time after it got it; its transport only of what is on its way.
  if (state === 'delivered') return attempt > 0 && (before.state === 'sent' || reason === 'accepted');
  return attempt > 0;
}

/** Holds what became of commands at the server against what devices did and what callers were told. */
import { type CommandState, type CommandTransition, isOpen } from '../../../contracts/commands.ts';
import type { Account, AskedCommand, DeadLetter, DeviceLedger, StoredCommand } from './command-account.ts';
import { CommandFindings } from './command-findings.ts';
import { pathFault } from './command-path.ts';

type Done = { readonly ledger: DeviceLedger; readonly attempt: number };

/** Ends by which the device was at work, exactly once. */
const DONE: readonly CommandState[] = ['succeeded', 'failed'];
/** Ends after which a device may not have done anything. */
const NOT_DONE: readonly CommandState[] = ['rejected', 'expired', 'cancelled', 'superseded'];

export function compareCommands({ commands, ledgers, asked, deadLetters, transitionsMax }: Account): CommandFindings {
  const findings = new CommandFindings();
  const done = executionsById(ledgers, findings);
  const byId = new Map(commands.map(it => [it.id, it]));
  for (const command of commands) {
    compareWithLedgers(command, done.get(command.id) ?? [], findings);
    compareSteps(command, transitionsMax, findings);
  }
  for (const [id, [first]] of done)
    if (!byId.has(id)) findings.broken.foreign.add(() => `${id} by ${first!.ledger.deviceId}, which is not stored`);
  compareAnswers(asked, byId, findings);
  for (const letter of deadLetters) compareDeadLetter(letter, byId, findings);
  return findings;
}

function executionsById(ledgers: readonly DeviceLedger[], findings: CommandFindings): Map<string, Done[]> {
  const done = new Map<string, Done[]>();
  for (const ledger of ledgers)
    for (const { id, attempt } of ledger.executions) {
      findings.executions++;
      const before = done.get(id);
      if (before === undefined) done.set(id, [{ ledger, attempt }]);
      else before.push({ ledger, attempt });
    }
  return done;
}

function compareWithLedgers(command: StoredCommand, done: readonly Done[], { broken }: CommandFindings): void {
  const { id, deviceId, mode, state, attempt } = command;
  const told = () => `${id} of ${deviceId}, ${mode}, ${state}, attempt ${attempt}, ${tellDone(done)}`;
  if (isOpen(state)) broken.open.add(told);
  if (done.length > 1) broken.doubled.add(told);
  if (done.some(it => it.ledger.deviceId !== deviceId)) broken.foreign.add(told);
  if (mode === 'once' && attempt > 1) broken.again.add(told);
  const isUntrue =
    (DONE.includes(state) && done.length === 0) ||
    (NOT_DONE.includes(state) && done.length > 0) ||
    done.some(it => it.attempt > attempt);
  if (isUntrue) broken.untrue.add(told);
}

const tellDone = (done: readonly Done[]): string =>
  done.length === 0
    ? 'never carried out'
    : `carried out ${done.map(it => `by ${it.ledger.deviceId} (attempt ${it.attempt})`).join(', ')}`;

function compareSteps(command: StoredCommand, transitionsMax: number, findings: CommandFindings): void {
  const { id, deviceId, mode, state, attempt, transitions, events } = command;
  findings.commands++;
  findings.ends[state] = (findings.ends[state] ?? 0) + 1;
  findings.redeliveries += Math.max(0, attempt - 1);
  if (mode === 'once' && attempt > 0) findings.sentOnce++;
  const { illegal, untold } = findings.broken;
  const fault = pathFault(mode, events);
  if (fault !== undefined) illegal.add(() => `${id} of ${deviceId}: ${fault}`);
  const last = transitions.at(-1);
  if (last?.state !== state || last.attempt !== attempt)
    illegal.add(() => `${id} of ${deviceId} is ${state} (attempt ${attempt}) after ${JSON.stringify(last)}`);
  const kept = events.length <= transitionsMax ? events : [events[0]!, ...events.slice(1 - transitionsMax)];
  if (!isEqual(kept, transitions))
    untold.add(() => `${id} of ${deviceId}: events ${tellSteps(events)}, steps ${tellSteps(transitions)}`);
}

const isEqual = (some: readonly CommandTransition[], others: readonly CommandTransition[]): boolean =>
  some.length === others.length && some.every((step, i) => tellStep(step) === tellStep(others[i]!));
const tellStep = ({ state, atMs, attempt, reason }: CommandTransition): string =>
  `${state}/${attempt}/${reason ?? ''}@${Math.round(atMs)}`;
const tellSteps = (steps: readonly CommandTransition[]): string => `[${steps.map(tellStep).join(' ')}]`;

function compareAnswers(
  asked: readonly AskedCommand[],
  byId: ReadonlyMap<string, StoredCommand>,
  { broken }: CommandFindings,
): void {
  const stored = Map.groupBy(
    [...byId.values()].filter(it => it.idempotencyKey !== null),
    it => it.idempotencyKey!,
  );
  for (const { key, answers } of asked) {
    const ids = new Set([...answers.map(it => it.id), ...(stored.get(key) ?? []).map(it => it.id)]);
    if (ids.size > 1) broken.twoIds.add(() => `${key}: ${[...ids].join(', ')}`);
    if (answers.length === 0) broken.lost.add(() => `${key} never had an answer`);
    for (const id of new Set(answers.map(it => it.id)))
      if (byId.get(id)?.idempotencyKey !== key) broken.lost.add(() => `${key}: ${id} is not stored`);
    for (const { id, state } of answers) {
      const end = byId.get(id)?.state;
      if (!isOpen(state) && end !== undefined && end !== state)
        broken.changed.add(() => `${key}: ${id} was ${state}, and is ${end}`);
    }
  }
}

/** An answer that came when the command had ended otherwise is kept for whoever looks for it. The same one again is nothing to keep. */
function compareDeadLetter(
  letter: DeadLetter,
  byId: ReadonlyMap<string, StoredCommand>,
  findings: CommandFindings,
): void {
  const command = letter.id === undefined ? undefined : byId.get(letter.id);
  const isLate = command?.deviceId === letter.deviceId && command.state !== letter.status;
  if (letter.reason === 'command_not_open' && isLate) findings.lateAnswers++;
  else findings.broken.putAside.add(() => `${JSON.stringify(letter)}, which is ${command?.state}`);
}

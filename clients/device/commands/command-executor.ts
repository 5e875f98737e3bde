/** Carries commands out, one at a time, in the order in which they came, each at most once. */
import type { Spool } from '../storage/spool.ts';
import { type Acknowledgement, ANSWERS, type Answer, acknowledgementOf, keyOf } from './answer.ts';
import { answerOf, type CommandEntry, handlerOf, isIdempotent } from './command-handler.ts';
import { type CommandMessage, readCommand } from './command-message.ts';
import type { CommandMemory } from './command-ring.ts';

export type ExecutorOptions = {
  readonly ring: CommandMemory;
  readonly spool: Spool;
  readonly commands: ReadonlyMap<string, CommandEntry>;
  readonly queueMaxCommands: number;
  readonly resultMaxBytes: number;
  readonly acknowledgesAcceptance: boolean;
  readonly answerRetryMs: number;
  readonly nowMs: () => number;
  readonly onCommand: (command: CommandMessage) => void;
  readonly onError: (error: unknown) => void;
};

export class CommandExecutor {
  readonly #options: ExecutorOptions;
  /** That wait, or are being carried out. */
  readonly #open = new Set<string>();
  readonly #stop = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Says of what an earlier process left: it was interrupted; and gives the answers again that the server may not have. */
  async recover(): Promise<void> {
    const { ring, commands, onError } = this.#options;
    for (const entry of [...ring.all()])
      if (entry.answer === null && !isIdempotent(commands.get(entry.command)))
        await ring.answered(entry, ANSWERS.interrupted).catch(onError);
    await this.#answerAgain();
  }

  /** Those that neither the server has nor the spool. */
  async #answerAgain(): Promise<void> {
    const { ring, spool } = this.#options;
    const lost = [...ring.all()].filter(it => !it.isSettled && it.answer && !spool.has(keyOf(it.id, it.answer.status)));
    await Promise.all(lost.map(it => this.#acknowledge(it.id, it.answer!)));
  }

  receive(payload: Buffer): void {
    const { ring, queueMaxCommands, onError } = this.#options;
    const command = readCommand(payload);
    if (command === undefined) return onError(new Error('A command came that is not one'));
    const { id } = command;
    if (this.#open.has(id) || this.#stop.signal.aborted) return;
    const known = ring.find(id)?.answer;
    if (known) return void this.#acknowledge(id, known);
    // Without an answer the server sends it again later.
    if (this.#open.size >= queueMaxCommands) return onError(new Error(`Too many commands wait: ${id} is not taken`));
    this.#open.add(id);
    this.#last = this.#last
      .then(() => this.#carryOut(command))
      .catch(onError)
      .finally(() => this.#open.delete(id));
  }

  /** Resolves when what is being carried out has ended. What waits is left to the server, which sends it again. */
  stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#retry);
    return this.#last;
  }

  async #carryOut(command: CommandMessage): Promise<void> {
    const { ring, spool, onCommand, acknowledgesAcceptance, resultMaxBytes } = this.#options;
    const { id, parameters, ...rest } = command;
    const { signal } = this.#stop;
    if (signal.aborted) return;
    if (!ring.hasRoom() || spool.isOverfull) throw new Error(`Too many answers wait: ${id} is not taken`);
    const entry = this.#options.commands.get(command.command);
    const refusal = this.#refusalOf(command, entry);
    if (refusal !== undefined || entry === undefined) return this.#answer(command, refusal ?? ANSWERS.unknownCommand);
    await ring.started(command);
    if (acknowledgesAcceptance) await this.#acknowledge(id, { status: 'accepted' });
    onCommand(command);
    const run = () => handlerOf(entry)(parameters, { id, ...rest, signal });
    await this.#answer(command, await answerOf(run, resultMaxBytes));
  }

  #refusalOf({ id, deadlineMs }: CommandMessage, entry: CommandEntry | undefined): Answer | undefined {
    const wasStarted = this.#options.ring.find(id) !== undefined;
    if (wasStarted && !isIdempotent(entry)) return ANSWERS.interrupted;
    if (entry === undefined) return ANSWERS.unknownCommand;
    if (deadlineMs === null || deadlineMs > this.#options.nowMs()) return undefined;
    return wasStarted ? ANSWERS.interrupted : ANSWERS.deadlinePassed;
  }

  async #answer(command: CommandMessage, answer: Answer): Promise<void> {
    const { ring, onError } = this.#options;
    // An answer that can't be stored is still an answer.
    await ring.answered(command, answer).catch(onError);
    await this.#acknowledge(command.id, answer);
  }

  /** Nobody may ask again, so an answer that the spool does not take is tried again. */
  async #acknowledge(id: string, answer: Acknowledgement): Promise<void> {
    const { spool, answerRetryMs, onError } = this.#options;
    try {
      await spool.append('ack', acknowledgementOf(id, answer), keyOf(id, answer.status));
    } catch (error) {
      onError(error);
      if (this.#stop.signal.aborted) return;
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        void this.#answerAgain();
      }, answerRetryMs);
    }
  }
}

/** Callers of this process that wait until commands end. Telling them is at most once, so whoever waits looks into the database, too. */
import type { CommandRecord } from '../contracts/commands.ts';
import { SkeinError } from '../contracts/errors.ts';

export type Wait = {
  /** The command as it ended; undefined: it did not within the time, or the wait was cancelled. */
  readonly ended: Promise<CommandRecord | undefined>;
  cancel(): void;
};

type End = (command: CommandRecord | undefined) => void;

export class Waiters {
  readonly #max: number;
  /** By the id of the command: several may wait for the same one. */
  readonly #waiting = new Map<string, Set<End>>();
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Throws `overloaded` when too many wait already. */
  wait(id: string, timeoutMs: number): Wait {
    if (this.#size >= this.#max)
      throw new SkeinError('overloaded', `${this.#max} callers wait for commands here, which is as many as may`);
    const { promise: ended, resolve } = Promise.withResolvers<CommandRecord | undefined>();
    const end: End = command => {
      clearTimeout(timer);
      this.#forget(id, end);
      resolve(command);
    };
    const timer = setTimeout(end, timeoutMs, undefined);
    this.#remember(id, end);
    return { ended, cancel: () => end(undefined) };
  }

  /** These have ended. Whoever nobody waits for is passed over. */
  tell(commands: readonly CommandRecord[]): void {
    for (const command of commands) for (const end of [...(this.#waiting.get(command.id) ?? [])]) end(command);
  }

  /** Ends every wait. */
  close(): void {
    for (const ends of [...this.#waiting.values()]) for (const end of [...ends]) end(undefined);
  }

  #remember(id: string, end: End): void {
    const same = this.#waiting.get(id);
    if (same === undefined) this.#waiting.set(id, new Set([end]));
    else same.add(end);
    this.#size++;
  }

  /** Twice is once: a wait that was told may be cancelled afterwards. */
  #forget(id: string, end: End): void {
    const same = this.#waiting.get(id);
    if (same?.delete(end) !== true) return;
    this.#size--;
    if (same.size === 0) this.#waiting.delete(id);
  }
}

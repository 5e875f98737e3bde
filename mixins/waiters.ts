/** Callers of this process that wait until commands end. Telling them is at most once, so whoever waits looks into the database, too. */
import type { CommandRecord } from '../contracts/commands.ts';
import { WaitingPlaces } from './waiting-places.ts';

export type Wait = {
  /** The command as it ended; undefined: it did not within the time, or the wait was cancelled. */
  readonly ended: Promise<CommandRecord | undefined>;
  cancel(): void;
};

type End = (command: CommandRecord | undefined) => void;

export class Waiters {
  readonly #places: WaitingPlaces;
  /** By the id of the command: several may wait for the same one. */
  readonly #waiting = new Map<string, Set<End>>();
  #closed = false;

  constructor(max: number) {
    this.#places = new WaitingPlaces(max);
  }

  get size(): number {
    return this.#places.taken;
  }

  /** Throws `overloaded` when too many wait already, or too many of the tenant. */
  wait(tenantId: number, id: string, timeoutMs: number): Wait {
    if (this.#closed) return { ended: Promise.resolve(undefined), cancel: () => {} };
    this.#places.take(tenantId);
    const { promise: ended, resolve } = Promise.withResolvers<CommandRecord | undefined>();
    const end: End = command => {
      clearTimeout(timer);
      if (this.#forget(id, end)) this.#places.leave(tenantId);
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

  /** Ends every wait, and lets nobody wait from now on. */
  close(): void {
    this.#closed = true;
    for (const ends of [...this.#waiting.values()]) for (const end of [...ends]) end(undefined);
  }

  #remember(id: string, end: End): void {
    const same = this.#waiting.get(id);
    if (same === undefined) this.#waiting.set(id, new Set([end]));
    else same.add(end);
  }

  /** False: it was forgotten before. A wait that was told may be cancelled afterwards. */
  #forget(id: string, end: End): boolean {
    const same = this.#waiting.get(id);
    if (same?.delete(end) !== true) return false;
    if (same.size === 0) this.#waiting.delete(id);
    return true;
  }
}

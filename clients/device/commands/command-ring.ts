/**
 * What became of the last commands, on disk: the reason why none is carried out twice, whatever the server repeats and whenever
 * the power fails. `started` is durable before a handler is called, its answer before anybody hears of it.
 */
import { join } from 'node:path';
import { AppendFile } from '../storage/append-file.ts';
import { type Opening, openRecords } from '../storage/open-records.ts';
import type { Answer } from './answer.ts';
import { decodeRingRecord, encodeRingEntry, encodeSettled, type RingCommand, type RingEntry } from './ring-record.ts';

export interface CommandMemory {
  open(): Promise<void>;
  find(id: string): RingEntry | undefined;
  all(): Iterable<RingEntry>;
  /** False: the ring is full of commands that may come again, so this one must not be carried out. */
  hasRoom(): boolean;
  /** Resolves when it is durable. */
  started(command: RingCommand): Promise<void>;
  answered(command: RingCommand, answer: Answer): Promise<void>;
  /** The server has the answer, so it won't send the command again; until the deadline an earlier sending may still arrive. */
  settled(id: string): void;
  close(): Promise<void>;
}

export type RingOptions = Omit<Opening, 'policy'> & {
  readonly folder: string;
  /** So many are kept in any case. */
  readonly minCommands: number;
  /** More than this are never kept. */
  readonly maxCommands: number;
  /** Of the file, beyond which results of settled commands are not kept. */
  readonly maxBytes: number;
};

export class CommandRing implements CommandMemory {
  readonly #options: RingOptions;
  /** The oldest first. */
  readonly #entries = new Map<string, RingEntry>();
  #file: AppendFile | undefined;
  #compactAtBytes = 0;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: RingOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { file, records } = await openRecords(this.#path, { ...this.#options, policy: 'group' });
    this.#file = file;
    for (const { payload } of records) {
      const record = decodeRingRecord(payload);
      if (record === undefined) this.#options.onError(new Error(`${file.path} has a record of another version`));
      else if ('settled' in record) this.#settle(record.settled);
      else this.#entries.set(record.id, record);
    }
    this.#compactAtBytes = this.#nextCompactionBytes();
  }

  find(id: string): RingEntry | undefined {
    return this.#entries.get(id);
  }
  all(): Iterable<RingEntry> {
    return this.#entries.values();
  }

  hasRoom(): boolean {
    this.#forgetOld();
    return this.#entries.size < this.#options.maxCommands;
  }

  async started({ id, command, deadlineMs }: RingCommand): Promise<void> {
    try {
      await this.#write({ id, command, deadlineMs, answer: null, isSettled: false });
    } catch (error) {
      // It is not carried out now, so it may be when it comes again.
      this.#entries.delete(id);
      throw error;
    }
  }
  answered({ id, command, deadlineMs }: RingCommand, answer: Answer): Promise<void> {
    return this.#write({ id, command, deadlineMs, answer, isSettled: false });
  }

  settled(id: string): void {
    if (!this.#settle(id) || this.#isClosed) return;
    // Lost in a power cut it makes an answer go out twice, no more: not worth a sync.
    this.#inTurn(async () => {
      this.#file!.append(encodeSettled(id), false).catch(this.#options.onError);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inTurn(async () => this.#file?.close());
  }

  async #write(entry: RingEntry): Promise<void> {
    // A handler that a stop did not wait for: the file may be another device's by now.
    if (this.#isClosed) throw new Error('The ring is closed');
    // In memory at once: a repetition that comes while this writes must find it.
    this.#entries.set(entry.id, entry);
    await this.#inTurn(async () => {
      if (this.#file!.bytes > this.#compactAtBytes) await this.#compactIfPossible();
      await this.#file!.append(encodeRingEntry(entry));
    });
  }

  #settle(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.answer === null || entry.isSettled) return false;
    this.#entries.set(id, { ...entry, isSettled: true });
    return true;
  }

  /** Beyond the least number those whose deadline has passed; beyond the greatest those that the server need not send again. */
  #forgetOld(): void {
    const { minCommands, maxCommands, nowMs } = this.#options;
    let surplus = this.#entries.size - minCommands + 1;
    let excess = this.#entries.size - maxCommands + 1;
    for (const { id, deadlineMs, answer, isSettled } of this.#entries.values()) {
      if (surplus <= 0) return;
      if (answer === null || !isSettled) continue;
      if (excess <= 0 && (deadlineMs === null || deadlineMs > nowMs())) continue;
      this.#entries.delete(id);
      surplus--;
      excess--;
    }
  }

  async #compactIfPossible(): Promise<void> {
    try {
      await this.#compact();
    } catch (error) {
      // It may be possible later; but the file must not grow without end.
      if (this.#file!.bytes > 2 * this.#compactAtBytes) throw error;
      this.#options.onError(error as Error);
    }
  }

  async #compact(): Promise<void> {
    const half = this.#options.maxBytes / 2;
    const records: Buffer[] = [];
    let bytes = 0;
    for (const entry of [...this.#entries.values()].reverse()) {
      const isLong = bytes > half && entry.isSettled && entry.answer !== null;
      const kept = isLong ? { ...entry, answer: { status: entry.answer.status } } : entry;
      if (isLong) this.#entries.set(entry.id, kept);
      const record = encodeRingEntry(kept);
      bytes += record.length;
      records.push(record);
    }
    const old = this.#file!;
    await old.sync();
    this.#file = await AppendFile.replace(this.#path, Buffer.concat(records.reverse()), 'group');
    this.#compactAtBytes = this.#nextCompactionBytes();
    await old.discard();
  }

  #nextCompactionBytes(): number {
    return Math.max(this.#options.maxBytes, 2 * this.#file!.bytes);
  }

  get #path(): string {
    return join(this.#options.folder, 'commands.log');
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

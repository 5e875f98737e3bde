/** The files of the spool: the newest is written, the oldest is deleted as soon as nothing in it is needed. */
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AppendFile } from './append-file.ts';
import { syncFolder } from './durable-file.ts';
import { type Opening, openRecords } from './open-records.ts';
import type { FoundRecord } from './records.ts';

export type Segment = {
  readonly index: number;
  file: AppendFile;
  /** Messages in it, or on their way into it, that are not sent yet. */
  live: number;
  liveBytes: number;
};
/** A message that is needed, and where it lies. */
export type Placed = { segment: Segment; offset: number; readonly length: number };

const NAME = /^spool-(\d{8})\.log$/;
/** Of a file that was never finished. */
const DRAFT = /^spool-\d{8}\.log\.new$/;
const nameOf = (index: number): string => `spool-${String(index).padStart(8, '0')}.log`;

export class SpoolSegments {
  readonly #folder: string;
  readonly #segmentMaxBytes: number;
  readonly #opening: Opening;
  #all: Segment[] = [];
  /** To be deleted, the oldest first. */
  #gone: AppendFile[] = [];

  constructor(folder: string, segmentMaxBytes: number, opening: Opening) {
    this.#folder = folder;
    this.#segmentMaxBytes = segmentMaxBytes;
    this.#opening = opening;
  }

  /** `each` gets every good record, in the order in which they were written. */
  async open(each: (segment: Segment, record: FoundRecord) => void): Promise<void> {
    const names = await readdir(this.#folder);
    for (const name of names) if (DRAFT.test(name)) await unlink(join(this.#folder, name));
    const indexes = names.flatMap(name => NAME.exec(name)?.[1] ?? []).map(Number);
    for (const index of indexes.sort((a, b) => a - b)) {
      const { file, records } = await openRecords(join(this.#folder, nameOf(index)), this.#opening);
      const segment = { index, file, live: 0, liveBytes: 0 };
      this.#all.push(segment);
      for (const record of records) each(segment, record);
    }
    if (this.#all.length === 0) await this.#add(1);
    await this.reclaim();
  }

  /** The one that is written now. */
  get newest(): Segment {
    return this.#all.at(-1)!;
  }
  get bytes(): number {
    return [...this.#gone, ...this.#all.map(it => it.file)].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The one that takes so many bytes more. */
  async roomFor(bytes: number): Promise<Segment> {
    const { newest } = this;
    if (newest.file.bytes === 0 || newest.file.bytes + bytes <= this.#segmentMaxBytes) return newest;
    await newest.file.sync();
    await this.#add(newest.index + 1);
    await this.reclaim();
    return this.newest;
  }

  /**
   * Deletes from the oldest on, and only from there: a segment also says which messages of older ones are gone, so it has to
   * stay as long as they do. What can't be deleted now is tried again with the next one.
   */
  async reclaim(): Promise<void> {
    while (this.#all.length > 1 && this.#all[0]!.live === 0) this.#gone.push(this.#all.shift()!.file);
    await this.#delete().catch(this.#opening.onError);
  }

  /** Each for good before the next: one that a power cut brings back must find those that say what is gone from it. */
  async #delete(): Promise<void> {
    for (let file = this.#gone[0]; file !== undefined; file = this.#gone[0]) {
      await unlink(file.path).catch(error => {
        if (error.code !== 'ENOENT') throw error;
      });
      await syncFolder(this.#folder);
      this.#gone.shift();
      await file.discard();
    }
  }

  /**
   * Writes what is still needed of the oldest segments into the first of them, as much as fits. `placed` are all messages, the
   * oldest first. When this is cut short, the segments that were to be deleted still say what is gone: a segment speaks only
   * of itself and of older ones. Messages that are then there twice have the same number.
   */
  async merge(
    placed: Iterable<Placed>,
    isNeeded: (it: Placed) => boolean,
    onUnreadable: (it: Placed, error: unknown) => void,
  ): Promise<void> {
    const run = this.#runToMerge();
    if (run.length === 0) return;
    const into = run[0]!;
    const moving = [...placed].filter(it => run.includes(it.segment));
    const unreadable = (it: Placed, error: unknown) => {
      onUnreadable(it, error);
      return NOTHING;
    };
    const parts = await Promise.all(
      moving.map(it => it.segment.file.read(it.offset, it.length).catch(error => unreadable(it, error))),
    );
    const file = await this.#replaced(into, Buffer.concat(parts));
    const olds = run.map(it => it.file);
    Object.assign(into, { file, live: 0, liveBytes: 0 });
    let offset = 0;
    for (const [index, it] of moving.entries()) {
      Object.assign(it, { segment: into, offset });
      offset += parts[index]!.length;
      // Messages are acknowledged while this writes.
      if (!isNeeded(it)) continue;
      into.live++;
      into.liveBytes += it.length;
    }
    this.#all = this.#all.filter(it => it === into || !run.includes(it));
    this.#gone.push(...olds.slice(1));
    await olds[0]!.discard();
    await this.#delete();
  }

  /** For good: what it takes the place of is deleted next. */
  async #replaced(segment: Segment, content: Buffer): Promise<AppendFile> {
    const file = await AppendFile.replace(segment.file.path, content, this.#opening.policy);
    try {
      await file.sync();
      return file;
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  /** In front of it only segments without anything to delete may stay: nobody else would know what is gone from them. */
  #runToMerge(): Segment[] {
    const sealed = this.#all.slice(0, -1);
    const start = sealed.findIndex(it => it.liveBytes < it.file.bytes);
    const run: Segment[] = [];
    let bytes = 0;
    for (const segment of start === -1 ? [] : sealed.slice(start)) {
      bytes += segment.liveBytes;
      if (run.length > 0 && bytes > this.#segmentMaxBytes) break;
      run.push(segment);
    }
    return run;
  }

  sync(): Promise<unknown> {
    return Promise.all(this.#all.map(it => it.file.sync()));
  }

  async close(): Promise<void> {
    const files = [...this.#all.map(it => it.file.close()), ...this.#gone.map(it => it.discard())];
    this.#all = [];
    this.#gone = [];
    const failed = (await Promise.allSettled(files)).find(it => it.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #add(index: number): Promise<void> {
    const file = await AppendFile.open(join(this.#folder, nameOf(index)), 0, this.#opening.policy);
    this.#all.push({ index, file, live: 0, liveBytes: 0 });
  }
}

const NOTHING = Buffer.alloc(0);

/** The files of the spool: the newest is written, the oldest is deleted as soon as nothing in it is needed. */
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AppendFile } from './append-file.ts';
import { replaceFile, syncFolder } from './durable-file.ts';
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
const nameOf = (index: number): string => `spool-${String(index).padStart(8, '0')}.log`;

export class SpoolSegments {
  readonly #folder: string;
  readonly #segmentMaxBytes: number;
  readonly #opening: Opening;
  #all: Segment[] = [];

  constructor(folder: string, segmentMaxBytes: number, opening: Opening) {
    this.#folder = folder;
    this.#segmentMaxBytes = segmentMaxBytes;
    this.#opening = opening;
  }

  /** `each` gets every good record, in the order in which they were written. */
  async open(each: (segment: Segment, record: FoundRecord) => void): Promise<void> {
    const indexes = (await readdir(this.#folder)).flatMap(name => NAME.exec(name)?.[1] ?? []).map(Number);
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
    return this.#all.reduce((sum, { file }) => sum + file.bytes, 0);
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
   * stay as long as they do.
   */
  async reclaim(): Promise<void> {
    while (this.#all.length > 1 && this.#all[0]!.live === 0) {
      const { file } = this.#all.shift()!;
      await file.close();
      await unlink(file.path);
    }
  }

  /**
   * Writes what is still needed of the oldest segments into the first of them, as much as fits. `placed` are all messages, the
   * oldest first. When this is cut short, the segments that were to be deleted still say what is gone: a segment speaks only
   * of itself and of older ones. Messages that are then there twice have the same number.
   */
  async merge(placed: Iterable<Placed>, isNeeded: (it: Placed) => boolean): Promise<void> {
    const run = this.#runToMerge();
    if (run.length === 0) return;
    const into = run[0]!;
    const moving = [...placed].filter(it => run.includes(it.segment));
    const parts = await Promise.all(moving.map(it => it.segment.file.read(it.offset, it.length)));
    await replaceFile(into.file.path, Buffer.concat(parts));
    const bytes = parts.reduce((sum, it) => sum + it.length, 0);
    const olds = run.map(it => it.file);
    into.file = await AppendFile.open(into.file.path, bytes, this.#opening.policy);
    Object.assign(into, { live: 0, liveBytes: 0 });
    let offset = 0;
    for (const it of moving) {
      Object.assign(it, { segment: into, offset });
      offset += it.length;
      // Messages are acknowledged while this writes.
      if (!isNeeded(it)) continue;
      into.live++;
      into.liveBytes += it.length;
    }
    this.#all = this.#all.filter(it => it === into || !run.includes(it));
    for (const [index, old] of olds.entries()) {
      await old.close();
      if (index > 0) await unlink(old.path);
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
    await Promise.all(this.#all.map(it => it.file.close()));
    this.#all = [];
  }

  async #add(index: number): Promise<void> {
    const file = await AppendFile.open(join(this.#folder, nameOf(index)), 0, this.#opening.policy);
    await syncFolder(this.#folder);
    this.#all.push({ index, file, live: 0, liveBytes: 0 });
  }
}

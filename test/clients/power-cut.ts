/**
 * What a power cut may leave of a folder. As hard as POSIX allows: of what was written since the last sync any part may be there, and
 * of names that were made, changed and removed since the last sync of the folder any may be the old one.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Operation, WatchedFiles } from './watched-files.ts';

type File = { content: Buffer; durable: Buffer };
export type Remains = ReadonlyMap<string, Buffer>;

export class PowerCut {
  readonly #folder: string;
  readonly #random: () => number;
  readonly #names = new Map<string, File>();
  #durableNames = new Map<string, File>();
  readonly #handles = new WeakMap<object, File>();

  constructor(files: WatchedFiles, folder: string, random: () => number) {
    this.#folder = folder;
    this.#random = random;
    files.after = operation => this.#done(operation);
  }

  #done({ name, path, to, handle, bytes, flags, length }: Operation): void {
    if (path === this.#folder) {
      if (name === 'sync') this.#durableNames = new Map(this.#names);
      return;
    }
    const file = handle && this.#handles.get(handle);
    if (name === 'open') this.#opened(path, flags!, handle!);
    else if (name === 'rename') {
      this.#names.set(to!, this.#names.get(path)!);
      this.#names.delete(path);
    } else if (name === 'unlink') this.#names.delete(path);
    else if (name === 'write') file!.content = Buffer.concat([file!.content, bytes!]);
    else if (name === 'truncate') file!.content = file!.content.subarray(0, length);
    else if (name === 'datasync' || name === 'sync') file!.durable = file!.content;
  }

  #opened(path: string, flags: string, handle: object): void {
    const file = (!flags.includes('x') && this.#names.get(path)) || { content: NOTHING, durable: NOTHING };
    this.#names.set(path, file);
    this.#handles.set(handle, file);
  }

  /** As it would be if the power went now. */
  remains(): Remains {
    const left = new Map<string, Buffer>();
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const file = (this.#random() < 0.5 ? this.#names : this.#durableNames).get(path);
      if (file !== undefined) left.set(basename(path), this.#torn(file));
    }
    return left;
  }

  #torn({ content, durable }: File): Buffer {
    const chance = this.#random();
    if (chance < 0.3) return durable;
    if (chance < 0.5 || content.length <= durable.length) return content;
    const cut = durable.length + Math.floor(this.#random() * (content.length - durable.length));
    const torn = Buffer.from(chance < 0.75 ? content.subarray(0, cut) : content);
    // The length is there, the content is not.
    if (chance >= 0.75) torn.fill(0, durable.length, cut);
    return torn;
  }
}

const NOTHING = Buffer.alloc(0);

export async function restore(remains: Remains, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of remains) await writeFile(join(folder, name), content);
}

/** A file to which records are appended; whoever appends may wait until his record is durable, and many share one sync. */
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './durable-file.ts';

/**
 * - `group`: a promise resolves after a sync, which it shares with all that came while the sync before it ran.
 * - `each`: every record gets a sync of its own. - `interval`: a promise resolves when the system has the record; a sync comes
 *   every so often. Survives the end of the process, but a power cut may take what came since.
 */
export type SyncPolicy = 'group' | 'each' | 'interval';

type Waiting = {
  readonly bytes: Buffer;
  readonly needsSync: boolean;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
};

export class AppendFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #policy: SyncPolicy;
  #bytes: number;
  #waitingBytes = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #needsSync = false;
  /** The file is new, or it may be: what is in it is not safe before its name is. */
  #needsFolderSync = true;
  /** What was refused is still there. */
  #hasBadTail = false;

  private constructor(path: string, handle: FileHandle, bytes: number, policy: SyncPolicy) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#policy = policy;
  }

  /** Opens or makes it, and cuts off what lies behind `keepBytes`. */
  static async open(path: string, keepBytes: number, policy: SyncPolicy): Promise<AppendFile> {
    const handle = await open(path, 'a+');
    try {
      await handle.truncate(keepBytes);
      await handle.datasync();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new AppendFile(path, handle, keepBytes, policy);
  }

  /**
   * Puts another file in its place: old content or new content, never a part of either. When it rejects, the old one is still there;
   * when it resolves, the new one is, but for a power cut before its next sync.
   */
  static async replace(path: string, content: Buffer, policy: SyncPolicy): Promise<AppendFile> {
    const draft = `${path}.new`;
    await unlink(draft).catch(() => {});
    const handle = await open(draft, 'ax+');
    try {
      await writeAll(handle, content);
      await handle.datasync();
      await rename(draft, path);
    } catch (error) {
      await handle.close();
      // On a full disk it would keep the space.
      await unlink(draft).catch(() => {});
      throw error;
    }
    return new AppendFile(path, handle, content.length, policy);
  }

  /** With all that waits to be written. */
  get bytes(): number {
    return this.#bytes + this.#waitingBytes;
  }

  /** Resolves with the record's place. `durable: false` waits for no sync: what may be lost costs less. */
  append(bytes: Buffer, durable = true): Promise<number> {
    return this.#inLine(bytes, durable && this.#policy !== 'interval');
  }

  #inLine(bytes: Buffer, needsSync: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, needsSync, resolve, reject });
      this.#waitingBytes += bytes.length;
      this.#writing ??= this.#write();
    });
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, offset);
    if (bytesRead !== length) throw new Error(`${this.path} ends at ${offset + bytesRead}`);
    return buffer;
  }

  /** Afterwards all that was written is durable, and the file's name is. */
  async sync(): Promise<void> {
    await this.#inLine(NOTHING, true);
  }

  async close(): Promise<void> {
    await this.sync().finally(() => this.#handle.close());
  }

  /** Closes it when nobody needs any more what is in it. */
  async discard(): Promise<void> {
    await this.#writing;
    await this.#handle.close();
  }

  async #makeDurable(): Promise<void> {
    if (this.#needsSync) {
      await this.#handle.datasync();
      this.#needsSync = false;
    }
    if (!this.#needsFolderSync) return;
    await syncFolder(dirname(this.path));
    this.#needsFolderSync = false;
  }

  async #write(): Promise<void> {
    // Not before `#writing` is set.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#policy === 'each' ? this.#waiting.splice(0, 1) : this.#waiting.splice(0);
      const bytes = Buffer.concat(batch.map(it => it.bytes));
      try {
        if (this.#hasBadTail) await this.#cutBadTail();
        await writeAll(this.#handle, bytes);
        this.#needsSync ||= bytes.length > 0;
        if (batch.some(it => it.needsSync)) await this.#makeDurable();
      } catch (error) {
        this.#waitingBytes -= bytes.length;
        // What was refused must not be found again later. When even that fails it is tried again before the next record.
        this.#hasBadTail = true;
        await this.#cutBadTail().catch(() => {});
        for (const it of batch) it.reject(error);
        continue;
      }
      let offset = this.#bytes;
      this.#waitingBytes -= bytes.length;
      this.#bytes += bytes.length;
      for (const it of batch) {
        it.resolve(offset);
        offset += it.bytes.length;
      }
    }
    // In the same turn as the last look at what waits: whoever comes later must not rely on a loop that has ended.
    this.#writing = undefined;
  }

  async #cutBadTail(): Promise<void> {
    await this.#handle.truncate(this.#bytes);
    this.#hasBadTail = false;
  }
}

const NOTHING = Buffer.alloc(0);

/** A full disk may take a part of it. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
}

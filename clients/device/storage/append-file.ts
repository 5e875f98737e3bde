/** A file to which records are appended; whoever appends may wait until his record is durable, and many share one sync. */
import { type FileHandle, open } from 'node:fs/promises';

/**
 * - `group`: a promise resolves after a sync, which it shares with all that came while the sync before it ran.
 * - `each`: every record gets a sync of its own. - `interval`: a promise resolves when the system has the record; a sync comes
 *   every so often. Survives the end of the process, but a power cut may take what came since.
 */
export type SyncPolicy = 'group' | 'each' | 'interval';

type Waiting = {
  readonly bytes: Buffer;
  readonly durable: boolean;
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

  private constructor(path: string, handle: FileHandle, bytes: number, policy: SyncPolicy) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#policy = policy;
  }

  /** Opens or makes it, and cuts off what lies behind `keepBytes`. */
  static async open(path: string, keepBytes: number, policy: SyncPolicy): Promise<AppendFile> {
    const handle = await open(path, 'a+');
    await handle.truncate(keepBytes);
    await handle.datasync();
    return new AppendFile(path, handle, keepBytes, policy);
  }

  /** With all that waits to be written. */
  get bytes(): number {
    return this.#bytes + this.#waitingBytes;
  }

  /** Resolves with the record's place. `durable: false` waits for no sync: what may be lost costs less. */
  append(bytes: Buffer, durable = true): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, durable, resolve, reject });
      this.#waitingBytes += bytes.length;
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, offset);
    if (bytesRead !== length) throw new Error(`${this.path} ends at ${offset + bytesRead}`);
    return buffer;
  }

  async sync(): Promise<void> {
    await this.#writing;
    if (!this.#needsSync) return;
    await this.#handle.datasync();
    this.#needsSync = this.#writing !== undefined;
  }

  async close(): Promise<void> {
    await this.sync().finally(() => this.#handle.close());
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#policy === 'each' ? this.#waiting.splice(0, 1) : this.#waiting.splice(0);
      const start = this.#bytes;
      const bytes = Buffer.concat(batch.map(it => it.bytes));
      this.#bytes += bytes.length;
      this.#waitingBytes -= bytes.length;
      try {
        await writeAll(this.#handle, bytes);
        this.#needsSync = true;
        if (this.#policy !== 'interval' && batch.some(it => it.durable)) {
          await this.#handle.datasync();
          this.#needsSync = false;
        }
      } catch (error) {
        // What was refused must not be found again later.
        this.#bytes = start;
        await this.#handle.truncate(start).catch(() => {});
        for (const it of batch) it.reject(error);
        continue;
      }
      let offset = start;
      for (const it of batch) {
        it.resolve(offset);
        offset += it.bytes.length;
      }
    }
  }
}

/** A full disk may take a part of it. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
}

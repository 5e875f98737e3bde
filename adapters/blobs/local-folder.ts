/** Blobs as files below a folder: for one machine, or for several that have mounted the same folder. */
import { mkdir, open, readdir, rename, rmdir, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Blob,
  type BlobStore,
  type ByteRange,
  checkBlobKey,
  checkBlobPrefix,
  checkByteRange,
  isBlobKey,
} from '../../contracts/blobs.ts';
import type { Limits } from '../../contracts/limits.ts';
import { gather } from './gather.ts';
import { draftFolder, endDraft, isDraftFolder, newDraft, sweepDrafts } from './local-drafts.ts';
import { doing, folderGone, isMissing, notFound, undefinedWhenMissing } from './local-errors.ts';

const READ_BYTES = 256 * 1024;
/** A folder that has become empty is removed, perhaps just when somebody wants to put something into it. */
const NAMING_ATTEMPTS = 10;

export async function openLocalFolder(
  root: string,
  { blobDraftKeepMinutes }: Pick<Limits, 'blobDraftKeepMinutes'>,
): Promise<BlobStore> {
  await doing(() => sweepDrafts(root, blobDraftKeepMinutes));
  return new LocalFolder(root);
}

class LocalFolder implements BlobStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async put(key: string, body: AsyncIterable<Uint8Array>): Promise<{ bytes: number }> {
    const path = this.#pathOf(key);
    const draft = await doing(() => newDraft(this.#root));
    try {
      let bytes = 0;
      // What the body throws is not an error of ours, and comes out as it is.
      for await (const chunk of body) {
        bytes += chunk.byteLength;
        await doing(() => draft.file.writeFile(chunk));
      }
      await doing(async () => {
        await draft.file.sync();
        await this.#giveName(draft.path, path);
      });
      return { bytes };
    } finally {
      await endDraft(draft);
    }
  }

  async get(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    if (range !== undefined) checkByteRange(range);
    if ((await this.size(key)) === undefined) throw notFound();
    return bytesOf(this.#pathOf(key), range?.start ?? 0, range?.end ?? Number.POSITIVE_INFINITY);
  }

  async read(key: string, start: number, end: number): Promise<Uint8Array> {
    return gather(await this.get(key, { start, end }));
  }

  size(key: string): Promise<number | undefined> {
    return doing(async () => {
      const found = await stat(this.#pathOf(key)).catch(undefinedWhenMissing);
      if (found?.isFile()) return found.size;
      await stat(draftFolder(this.#root)).catch(() => Promise.reject(folderGone()));
      return undefined;
    });
  }

  async remove(key: string): Promise<void> {
    if ((await this.size(key)) === undefined) return;
    await doing(async () => {
      const path = this.#pathOf(key);
      await unlink(path).catch(undefinedWhenMissing);
      await syncFolder(dirname(path)).catch(undefinedWhenMissing);
      await this.#removeEmpty(dirname(path));
    });
  }

  async *list(prefix: string): AsyncGenerator<Blob> {
    checkBlobPrefix(prefix);
    await doing(() => stat(draftFolder(this.#root)).catch(() => Promise.reject(folderGone())));
    for await (const blob of this.#below(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix)) yield blob;
  }

  async usage(): Promise<{ usedBytes: number; freeBytes: number }> {
    let usedBytes = 0;
    for await (const { bytes } of this.list('')) usedBytes += bytes;
    const { bavail, bsize } = await doing(() => statfs(this.#root));
    return { usedBytes, freeBytes: bavail * bsize };
  }

  async close(): Promise<void> {}

  #pathOf(key: string): string {
    checkBlobKey(key);
    return join(this.#root, key);
  }

  /** From now on it is the blob, also after a loss of power: each folder on the way may be new. */
  async #giveName(draft: string, path: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(draft, path);
        break;
      } catch (error) {
        if (!isMissing(error) || attempt === NAMING_ATTEMPTS) throw error;
      }
    }
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      // Whoever removed the blob meanwhile has removed its folder too.
      await syncFolder(folder).catch(undefinedWhenMissing);
      if (folder === this.#root) return;
    }
  }

  async #removeEmpty(start: string): Promise<void> {
    for (let folder = start; folder !== this.#root; folder = dirname(folder)) {
      const isGone = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isGone) return;
    }
  }

  /** In the order of the whole keys, as a bucket lists them: a folder counts with the slash behind it. */
  async *#below(folder: string, prefix: string): AsyncGenerator<Blob> {
    const entries = await doing(() =>
      readdir(join(this.#root, folder), { withFileTypes: true }).catch(noneWhenMissing),
    );
    const names = entries.map(it => (it.isDirectory() ? `${it.name}/` : it.name)).sort(byCharacters);
    for (const name of names) {
      const key = folder + name;
      if (isDraftFolder(name.replace('/', '')) || !(key.startsWith(prefix) || prefix.startsWith(key))) continue;
      if (name.endsWith('/')) yield* this.#below(key, prefix);
      else {
        const bytes = await this.#bytesOfEntry(key);
        if (bytes !== undefined) yield { key, bytes };
      }
    }
  }

  /** Undefined for what was removed meanwhile, or is not a blob but a file that somebody has put there. */
  async #bytesOfEntry(key: string): Promise<number | undefined> {
    if (!isBlobKey(key)) return undefined;
    const found = await doing(() => stat(join(this.#root, key)).catch(undefinedWhenMissing));
    return found?.isFile() ? found.size : undefined;
  }
}

/** Opened with the first byte that is wanted: nobody has to end what was never begun. */
async function* bytesOf(path: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  if (start >= end) return;
  const file = await doing(() => open(path).catch(error => Promise.reject(isMissing(error) ? notFound() : error)));
  try {
    for (let at = start; at < end; ) {
      const length = Math.min(READ_BYTES, end - at);
      const { bytesRead, buffer } = await doing(() => file.read(Buffer.allocUnsafe(length), 0, length, at));
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** After a loss of power the name must be there as well as what it names. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  await folder.sync().finally(() => folder.close());
}

const byCharacters = (left: string, right: string): number => (left < right ? -1 : 1);

function noneWhenMissing(error: unknown): never[] {
  if (!isMissing(error)) throw error;
  return [];
}

/** Stands between the library and its files: each operation is told of before and after, and may be made to fail. */
import { promises } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

export type Operation = {
  readonly name:
    | 'open'
    | 'write'
    | 'truncate'
    | 'datasync'
    | 'sync'
    | 'read'
    | 'readFile'
    | 'rename'
    | 'copyFile'
    | 'unlink';
  readonly path: string;
  /** Of a rename and of a copy. */
  readonly to?: string;
  readonly handle?: FileHandle;
  /** Of a write, and of what is opened. */
  readonly bytes?: Buffer;
  readonly flags?: string;
  /** Of a truncate. */
  readonly length?: number;
};

export class WatchedFiles {
  /** What it throws the operation throws; a write that fails has written a half. */
  before: (operation: Operation) => void = () => {};
  after: (operation: Operation) => void = () => {};

  /** Until the end of the test. Only of paths that begin so. */
  constructor(t: TestContext, prefix: string) {
    const real = { ...promises };
    t.after(() => {
      Object.assign(promises, real);
      syncBuiltinESMExports();
    });
    const isOurs = (path: unknown): path is string => typeof path === 'string' && path.startsWith(prefix);
    const watch =
      <A extends unknown[], R>(work: (...args: A) => Promise<R>, operationOf: (...args: A) => Operation) =>
      async (...args: A): Promise<R> => {
        const operation = operationOf(...args);
        if (!isOurs(operation.path)) return work(...args);
        this.before(operation);
        const result = await work(...args);
        this.after(operation);
        return result;
      };
    const [open, readFile, unlink] = [real.open, real.readFile, real.unlink] as ((
      ...args: unknown[]
    ) => Promise<unknown>)[];
    Object.assign(promises, {
      readFile: watch(readFile!, path => ({ name: 'readFile', path: path as string })),
      unlink: watch(unlink!, path => ({ name: 'unlink', path: path as string })),
      rename: watch(real.rename, (path, to) => ({ name: 'rename', path: path as string, to: to as string })),
      copyFile: watch(real.copyFile, (path, to) => ({ name: 'copyFile', path: path as string, to: to as string })),
      open: async (path: string, flags: string) => {
        if (!isOurs(path)) return open!(path, flags);
        this.before({ name: 'open', path, flags });
        const handle = (await open!(path, flags)) as FileHandle;
        this.#watchHandle(handle, path);
        this.after({ name: 'open', path, flags, handle });
        return handle;
      },
    });
    syncBuiltinESMExports();
  }

  #watchHandle(handle: FileHandle, path: string): void {
    const { write, truncate, datasync, sync, read } = handle;
    const tell = async <R>(operation: Operation, work: () => Promise<R>): Promise<R> => {
      this.before(operation);
      const result = await work();
      this.after(operation);
      return result;
    };
    const watched = {
      write: async (bytes: Buffer, offset = 0) => {
        const operation = { name: 'write', path, handle, bytes: bytes.subarray(offset) } as const;
        try {
          this.before(operation);
        } catch (error) {
          const half = operation.bytes.subarray(0, operation.bytes.length / 2);
          await Reflect.apply(write, handle, [half]);
          this.after({ ...operation, bytes: half });
          throw error;
        }
        const result = await Reflect.apply(write, handle, [bytes, offset]);
        this.after(operation);
        return result;
      },
      truncate: (length: number) =>
        tell({ name: 'truncate', path, handle, length }, () => truncate.call(handle, length)),
      datasync: () => tell({ name: 'datasync', path, handle }, () => datasync.call(handle)),
      sync: () => tell({ name: 'sync', path, handle }, () => sync.call(handle)),
      read: (...args: unknown[]) => tell({ name: 'read', path, handle }, async () => Reflect.apply(read, handle, args)),
    };
    Object.assign(handle, watched);
  }
}

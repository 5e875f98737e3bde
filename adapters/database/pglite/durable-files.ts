/**
 * PGlite's files, with an fsync that does what it says: PGlite comes with fsync turned off, and its file system has none.
 * With both, what was committed is on the disk, as with a server, also when the machine loses its power.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** EIO of WASI (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno). */
const EIO = 29;

/** Of Emscripten's module, what is used here. Only files have a file descriptor of Node; folders do not. */
type Stream = { readonly nfd?: number; readonly node: unknown };
type Module = {
  readonly NODEFS: { stream_ops: { fsync?: (stream: Stream) => number }; realPath(node: unknown): string };
  readonly FS: { readonly ErrnoError: new (errno: number) => Error };
};

export class DurableFiles extends NodeFS {
  override async init(...[pg, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const result = await super.init(pg, options);
    const install = (module: unknown) => {
      const { NODEFS, FS } = module as Module;
      NODEFS.stream_ops.fsync = stream => {
        try {
          if (stream.nfd === undefined) syncFolder(NODEFS.realPath(stream.node));
          else fsyncSync(stream.nfd);
          return 0;
        } catch {
          // PostgreSQL stops at this: after a failed fsync nobody knows what is on the disk.
          throw new FS.ErrnoError(EIO);
        }
      };
    };
    result.emscriptenOpts.preRun = [...(result.emscriptenOpts.preRun ?? []), install];
    return result;
  }
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

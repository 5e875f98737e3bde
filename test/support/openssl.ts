/** OpenSSL's command line, to look at what was made with other eyes. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export type Ran = { readonly ok: boolean; readonly output: string };
export type OpenSsl = {
  readonly folder: string;
  /** Writes a file of the folder. Resolves to its path. */
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** Runs it in the folder; what it wrote on both of its outputs. */
  run(...args: readonly string[]): Promise<Ran>;
};

/** With a folder of its own, until the test ends. */
export async function openssl(t: Pick<TestContext, 'after'>): Promise<OpenSsl> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-openssl-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return {
    folder,
    write: async (name, content) => {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    },
    run: (...args) =>
      new Promise(resolve => {
        execFile('openssl', args, { cwd: folder, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
          resolve({ ok: error === null, output: stdout + stderr }),
        );
      }),
  };
}

/** A server in its own process: waits until it says that it is ready, keeps its output, ends it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from './compile-cache.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STOP_TIMEOUT_MS = 20_000;
const OUTPUT_MAX_CHARACTERS = 64 * 1024;

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
export type ServerProcess = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** What it wrote, standard output and error together; the last 64 Ki characters. */
  output(): string;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  /** SIGTERM, and waits for the end. Rejects, after a SIGKILL, when it did not end within 20 s. */
  stop(): Promise<Exit>;
};

export type ServerCommand<T> = {
  /** What follows `node`; paths are relative to the repository. */
  readonly nodeArguments: readonly string[];
  /** The whole environment but for Node's cache of compiled code: the settings of whoever runs the tests must not reach the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Looks at the output so far; anything but undefined means that the server is ready. */
  readonly readyWhen: (output: string) => T | undefined;
  readonly readyTimeoutMs: number;
  /** Called as soon as there is a process, long before it is ready. */
  readonly spawned?: ((process: ServerProcess) => void) | undefined;
};

/** Rejects with the output when the process ends before it is ready, or takes too long (it is killed then). */
export async function startServerProcess<T>(command: ServerCommand<T>): Promise<ServerProcess & { readonly ready: T }> {
  const child = spawn(process.execPath, command.nodeArguments, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...COMPILE_CACHE, ...command.env },
  });
  // A test that is cut short leaves no server behind.
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const exited = new Promise<Exit>(resolve =>
    child.once('close', (code, signal) => {
      process.off('exit', killAtExit);
      resolve({ code, signal });
    }),
  );
  const kill = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  let text = '';
  const output = () => text;
  const stop = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const exit = await kill('SIGTERM');
    clearTimeout(timer);
    if (exit.signal === 'SIGKILL') throw new Error(`Did not end within ${STOP_TIMEOUT_MS} ms:\n${text}`);
    return exit;
  };
  const running: ServerProcess = { pid: child.pid!, exited, output, kill, stop };

  const found = Promise.withResolvers<T>();
  const keep = (chunk: Buffer) => {
    text = (text + chunk).slice(-OUTPUT_MAX_CHARACTERS);
    const ready = command.readyWhen(text);
    if (ready !== undefined) found.resolve(ready);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const fail = (what: string) => found.reject(new Error(`${what}:\n${text}`));
  const timer = setTimeout(() => fail('Not ready in time'), command.readyTimeoutMs);
  exited.then(({ code, signal }) => fail(`Ended (${code ?? signal}) before it was ready`));
  command.spawned?.(running);
  try {
    return { ...running, ready: await found.promise };
  } catch (error) {
    await kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The port of 127.0.0.1 that a banner names. Something must follow it, or some of its digits could be missing still. */
export function portIn(output: string, scheme: string): number | undefined {
  const match = new RegExp(`\\b${scheme}://127\\.0\\.0\\.1:(\\d+)\\D`).exec(output);
  return match ? Number(match[1]) : undefined;
}

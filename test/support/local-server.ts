/** A server of somebody else in its own process: it can be killed and started again at the same port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithUs } from './end-with-us.ts';

const READY_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 10_000;
const OUTPUT_MAX_CHARACTERS = 64 * 1024;

export type LocalServer = {
  readonly url: string;
  /** The same for as long as it lives. */
  readonly port: number;
  /** What the server wrote since its last start: the last 64 Ki characters. */
  output(): string;
  /** Sends the signal, and waits for the end unless the signal only pauses or resumes it. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again at the same port: after `kill`, or after stopping it if it runs. What it had in memory is gone. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

export type LocalCommand = {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly url: string;
  readonly port: number;
  /** What it writes when it listens. Without it another server at its port could answer in its place. */
  readonly saysWhenReady: string;
  /** Whether it answers now. */
  readonly answers: () => Promise<boolean>;
};

/** Resolves when the server answers. Rejects with its output when it ends before, or does not within 10 s. */
export async function startLocalServer(command: LocalCommand): Promise<LocalServer> {
  const server = new Server(command);
  await server.restart();
  return server;
}

class Server implements LocalServer {
  readonly url: string;
  readonly port: number;
  readonly #command: LocalCommand;
  readonly #killAtExit = () => this.#child?.kill('SIGKILL');
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  #output = '';
  #saidReady = false;

  constructor(command: LocalCommand) {
    this.#command = command;
    this.url = command.url;
    this.port = command.port;
  }

  output(): string {
    return this.#output;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.#exited;
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#output = '';
    this.#saidReady = false;
    const { file, args } = this.#command;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } });
    this.#child = child;
    this.#exited = new Promise(resolve => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => this.#keep(chunk));
    endWithUs(child);
    process.once('exit', this.#killAtExit);
    await this.#ready(child);
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killAtExit);
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
    this.#child = undefined;
  }

  #keep(chunk: Buffer): void {
    this.#output = (this.#output + chunk).slice(-OUTPUT_MAX_CHARACTERS);
    this.#saidReady ||= this.#output.includes(this.#command.saysWhenReady);
  }

  async #ready(child: ChildProcess): Promise<void> {
    const endMs = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (!ended && this.#saidReady && (await this.#command.answers())) return;
      if (ended || performance.now() > endMs) {
        await this.stop();
        const what = ended ? 'ended before it was ready' : 'was not ready in time';
        throw new Error(`${this.#command.name} ${what}:\n${this.#output}`);
      }
      await sleep(20);
    }
  }
}

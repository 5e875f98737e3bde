/** The main thread's end of PGlite's thread: requests out, answers in, and what becomes of requests when the thread dies. */
import { Worker } from 'node:worker_threads';
import { DatabaseError } from '../database.ts';
import type { Reply, Request, WorkerSettings } from './worker-messages.ts';

type WithoutId<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;
type Pending = { readonly resolve: (answer: readonly Uint8Array[]) => void; readonly reject: (error: Error) => void };

export class WorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #patienceMs: number;
  /** Resolves when the thread is gone and touches its files no more. */
  readonly ended: Promise<void>;
  #lastId = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #dead: Error | undefined;

  /** `patienceMs`: a thread that finishes nothing for so long hangs, and is killed. */
  constructor(settings: WorkerSettings, patienceMs: number) {
    this.#patienceMs = patienceMs;
    this.#worker = new Worker(new URL('./pglite.worker.ts', import.meta.url), { workerData: settings });
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', error => this.#die(error));
    this.ended = new Promise(resolve => {
      this.#worker.on('exit', () => {
        this.#die(new Error('the thread of the embedded database ended'));
        resolve();
      });
    });
  }

  get dead(): boolean {
    return this.#dead !== undefined;
  }

  /** Resolves when the database is open; rejects with the reason when it could not be opened. */
  async opened(): Promise<void> {
    await this.#wait(0);
  }

  /** Rejects with an Error when the thread dies first. `unlimited`: for as long as it takes. */
  async request(request: WithoutId<Request>, unlimited = false): Promise<readonly Uint8Array[]> {
    if (this.#dead !== undefined) throw this.#dead;
    const id = ++this.#lastId;
    if (!unlimited && this.#pending.size === 0) this.#watch();
    this.#worker.postMessage({ ...request, id }, 'bytes' in request ? [request.bytes.buffer as ArrayBuffer] : []);
    return this.#wait(id);
  }

  /** Ends the thread where it stands, like a crash: what was not committed is undone when the folder is opened again. */
  async kill(reason: Error): Promise<void> {
    this.#die(reason);
    await this.#worker.terminate();
    await this.ended;
  }

  async close(): Promise<void> {
    await this.request({ kind: 'close' }).catch(() => {});
    await this.ended;
  }

  #wait(id: number): Promise<readonly Uint8Array[]> {
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (reply.refused === undefined) pending?.resolve(reply.answer);
    else pending?.reject(new DatabaseError('full', 'The disk of the embedded database is all but full'));
    this.#pending.delete(reply.id);
    clearTimeout(this.#watchdog);
    if (this.#pending.size > 0) this.#watch();
  }

  /** PGlite has no statement timeout. */
  #watch(): void {
    this.#watchdog = setTimeout(
      () => void this.kill(new Error('the embedded database did not answer in time')),
      this.#patienceMs,
    );
  }

  #die(reason: Error): void {
    this.#dead ??= reason;
    clearTimeout(this.#watchdog);
    for (const { reject } of this.#pending.values()) reject(this.#dead);
    this.#pending.clear();
  }
}

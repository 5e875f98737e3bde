/** Starts a process of a benchmark (load/worker.ts) and asks it for things. */
import { fork } from 'node:child_process';
import { watchOver } from '../../test/support/end-with-us.ts';
import type { Handlers, WorkerReply } from '../load/worker.ts';

const END_TIMEOUT_MS = 20_000;

type About<H extends Handlers, N extends keyof H> = Parameters<H[N]> extends [] ? [] : [about: Parameters<H[N]>[0]];

export type Worker<H extends Handlers> = {
  readonly pid: number;
  /** Rejects with what the worker threw, or when it ends. */
  ask<N extends keyof H & string>(name: N, ...about: About<H, N>): Promise<Awaited<ReturnType<H[N]>>>;
  /** Lets it close what it has, and waits for its end. */
  stop(): Promise<void>;
};

/** Its environment is empty: settings of whoever runs the benchmark must not reach it. @param nodeArguments what follows `node` */
export function startWorker<H extends Handlers>(file: URL, nodeArguments: readonly string[] = []): Worker<H> {
  const child = fork(file, [], { serialization: 'advanced', execArgv: [...nodeArguments], env: {} });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  void exited.then(watchOver(child.pid!));
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  child.on('message', ({ id, answer, error }: WorkerReply) => {
    const it = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) it?.resolve(answer);
    else it?.reject(new Error(error));
  });
  child.once('exit', (code, signal) => {
    for (const it of waiting.values()) it.reject(new Error(`${file.pathname} ended (${code ?? signal})`));
    waiting.clear();
  });
  const ask = (name: string, about?: unknown) => {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(++lastId, answer);
    // Undefined does not travel everywhere; a worker without a need for it looks at nothing.
    child.send({ id: lastId, name, about: about ?? null }, error => error && answer.reject(error));
    return answer.promise;
  };
  const stop = async () => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  return { pid: child.pid!, ask: ask as Worker<H>['ask'], stop };
}

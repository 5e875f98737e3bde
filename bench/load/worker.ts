/** A process of a benchmark that does what it is asked over IPC: its own side. The other one is measure/start-worker.ts. */

/** What it can be asked, by name. */
// biome-ignore lint/suspicious/noExplicitAny: each takes what it takes; who asks has the types of the worker's own handlers.
export type Handlers = { readonly [name: string]: (about: any) => unknown };
export type WorkerRequest = { readonly id: number; readonly name: string; readonly about: unknown };
export type WorkerReply = { readonly id: number; readonly answer?: unknown; readonly error?: string };

/** Answers until whoever started this process is gone, or wants it to end: then `close`, and the end. */
export function serveWorker(handlers: Handlers, close: () => unknown = () => {}): void {
  process.on('message', async ({ id, name, about }: WorkerRequest) => {
    const reply: WorkerReply = await (async () => handlers[name]!(about))().then(
      answer => ({ id, answer }),
      (error: Error) => ({ id, error: error.stack ?? String(error) }),
    );
    process.send?.(reply);
  });
  process.on('disconnect', async () => {
    try {
      await close();
    } finally {
      process.exit(0);
    }
  });
}

/** Who asks: so many connections, each with one request at a time. */
import { closedLoop, type LoopFigures } from '../load/closed-loop.ts';
import { HttpConnection, requestBytes } from '../load/http-connection.ts';
import { serveWorker } from '../load/worker.ts';

export type AskOptions = {
  readonly port: number;
  /** Taken by turns. */
  readonly paths: readonly string[];
  /** '': none. */
  readonly key: string;
  readonly connections: number;
  readonly seconds: number;
};

const OK = 200;

const handlers = {
  async ask({ port, paths, key, connections, seconds }: AskOptions): Promise<LoopFigures> {
    const open = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(port)));
    const headers: Record<string, string> = key === '' ? {} : { Authorization: `Bearer ${key}` };
    const requests = paths.map(path => requestBytes('GET', path, headers, ''));
    let next = 0;
    try {
      return await closedLoop(connections, seconds, async place => {
        const { status } = await open[place]!.ask(requests[next++ % requests.length]!);
        if (status !== OK) throw new Error(String(status));
      });
    } finally {
      for (const connection of open) connection.close();
    }
  },
};
export type AskingWorker = typeof handlers;

serveWorker(handlers);

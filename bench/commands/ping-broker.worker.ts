/** The server of the reference: aedes and nothing else. No keys, no permissions, and nothing is stored. */
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { serveWorker } from '../load/worker.ts';

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, broker.handle);
const listening = new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));

const handlers = {
  /** Where it listens. */
  async port(): Promise<number> {
    await listening;
    return (server.address() as AddressInfo).port;
  },
};
export type PingBrokerWorker = typeof handlers;

serveWorker(handlers, () => server.close());

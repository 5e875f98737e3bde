/** For start-worker.test.ts. */
import { serveWorker } from '../../../bench/load/worker.ts';

const handlers = {
  double: (value: number) => value * 2,
  async fail(): Promise<void> {
    throw new RangeError('it was to fail');
  },
  environment: () => Object.keys(process.env).filter(name => name.startsWith('SKEIN_')),
  leave: () => process.exit(7),
};
export type EchoWorker = typeof handlers;

serveWorker(handlers);

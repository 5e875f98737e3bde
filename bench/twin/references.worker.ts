/** The references, each in the process of this worker and with the server that it needs. */
import { serveWorker } from '../load/worker.ts';
import { fillRedis, type ReadOptions, readRedis, readRows } from './plain-reads.ts';
import { updatePlainly } from './plain-updates.ts';

const handlers = {
  fillRedis,
  redis: (options: ReadOptions) => readRedis(options, () => {}),
  redisParsed: (options: ReadOptions) => readRedis(options, JSON.parse),
  rows: readRows,
  updates: updatePlainly,
};
export type ReferencesWorker = typeof handlers;

serveWorker(handlers);

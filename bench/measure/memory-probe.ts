/**
 * Loaded before a server (`--expose-gc --import`): at SIGUSR2 it collects all garbage and writes what memory is in use. It
 * changes nothing else.
 */
import { isMainThread } from 'node:worker_threads';

declare const gc: () => void;

if (isMainThread)
  process.on('SIGUSR2', () => {
    gc();
    // The second collection takes what the finalizers of the first let go.
    gc();
    process.stderr.write(`MEMORY ${JSON.stringify(process.memoryUsage())}\n`);
  });

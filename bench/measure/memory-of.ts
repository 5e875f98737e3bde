/** The memory of a server in use, asked from inside: what is left after its garbage was collected. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from '../../test/support/server-process.ts';

/** For `nodeArguments` of the server to be asked. */
export const MEMORY_PROBE = ['--expose-gc', '--import', './bench/measure/memory-probe.ts'];

/** Bytes. `heapUsed`: objects; `outside`: buffers and the like; `rss`: all that the system gave to the process. */
export type Memory = { readonly rss: number; readonly heapUsed: number; readonly outside: number };
const ANSWER_TIMEOUT_MS = 20_000;
const ANSWER = /^MEMORY (\{.*\})$/gm;

/** Rejects when the server, which must have been started with MEMORY_PROBE, does not answer within 20 s. */
export async function memoryOf(server: ServerProcess): Promise<Memory> {
  const answers = () => [...server.output().matchAll(ANSWER)];
  const before = answers().length;
  process.kill(server.pid, 'SIGUSR2');
  for (let waitedMs = 0; waitedMs < ANSWER_TIMEOUT_MS; waitedMs += 20) {
    await sleep(20);
    const all = answers();
    if (all.length <= before) continue;
    const { rss, heapUsed, external } = JSON.parse(all.at(-1)![1]!) as NodeJS.MemoryUsage;
    return { rss, heapUsed, outside: external };
  }
  throw new Error(`No answer to SIGUSR2:\n${server.output()}`);
}

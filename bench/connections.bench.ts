/** What an idle MQTT connection costs: memory after so many connected, less memory before, by `bare` and by the real system. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../test/support/mqtt-load.ts';
import { forEachEngine } from './measure/engines.ts';
import { readFlags } from './measure/flags.ts';
import { MEMORY_PROBE, type Memory, memoryOf } from './measure/memory-of.ts';
import { saveResult } from './measure/results.ts';
import type { Databases } from './measure/subject-home.ts';
import { makeSubject, SUBJECTS, type SubjectName } from './measure/subjects.ts';
import { decimals, table, whole } from './measure/table.ts';

export const FLAGS = { count: 5_000, engine: 'postgres' };

/** What connecting leaves behind for a moment (timers, caches of the key check) is not what an idle connection costs. */
const SETTLE_MS = 3_000;
/** Connected and gone again before the count begins: code is compiled, pools and caches have their size. */
const WARM_UP_CONNECTIONS = 200;
const CONNECT_TIMEOUT_MS = 300_000;

type Cost = { readonly before: Memory; readonly after: Memory; readonly perConnection: Memory };

export async function run(args: readonly string[]): Promise<void> {
  const { engine: engines, count } = readFlags(args, FLAGS);
  await forEachEngine(engines, async (engine, databases) => {
    const costs = { bare: await measure('bare', databases, count), real: await measure('real', databases, count) };
    console.log(`\n## ${whole(count)} idle connections, ${engine}: KiB for each, after a garbage collection`);
    console.log(
      table(
        ['', ...SUBJECTS],
        (['heapUsed', 'outside', 'rss'] as const).map(part => [
          part,
          ...SUBJECTS.map(name => decimals(costs[name].perConnection[part] / 1024, 1)),
        ]),
      ),
    );
    await saveResult(`connections-${engine}`, { engine, count, costs });
  });
}

async function measure(name: SubjectName, databases: Databases | undefined, count: number): Promise<Cost> {
  const subject = await makeSubject(name, databases);
  try {
    // The first start makes the schema that the devices are written to.
    await (await subject.start()).stop();
    const known = await subject.seed(count + WARM_UP_CONNECTIONS);
    const server = await subject.start({ nodeArguments: MEMORY_PROBE });
    try {
      const some = await startLoad({ port: server.mqttPort, devices: known.slice(count) }, CONNECT_TIMEOUT_MS);
      await some.stop();
      await sleep(SETTLE_MS);
      const before = await memoryOf(server);
      const devices = known.slice(0, count);
      const load = await startLoad({ port: server.mqttPort, devices }, CONNECT_TIMEOUT_MS);
      try {
        await sleep(SETTLE_MS);
        const after = await memoryOf(server);
        return { before, after, perConnection: difference(before, after, devices.length) };
      } finally {
        await load.stop();
      }
    } finally {
      await server.stop();
    }
  } finally {
    await subject.remove();
  }
}

const difference = (before: Memory, after: Memory, count: number): Memory => ({
  rss: (after.rss - before.rss) / count,
  heapUsed: (after.heapUsed - before.heapUsed) / count,
  outside: (after.outside - before.outside) / count,
});

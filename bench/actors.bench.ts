/** What an idle device costs in memory: a host with so many actors, each in a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readFlags } from './measure/flags.ts';
import { saveResult } from './measure/results.ts';
import { decimals, table, whole } from './measure/table.ts';

export const FLAGS = { counts: '10000,100000,1000000' };

/** What actors/idle-actors.ts answers: bytes, after a garbage collection. */
export type ActorMemory = {
  readonly count: number;
  readonly before: NodeJS.MemoryUsage;
  readonly after: NodeJS.MemoryUsage;
};

export async function run(args: readonly string[]): Promise<void> {
  const { counts } = readFlags(args, FLAGS);
  const results: ActorMemory[] = [];
  for (const count of counts.split(',').map(Number)) results.push(await measure(count));
  console.log(
    '\n## Idle device actors that stored one message of three values: bytes for each, after a garbage collection',
  );
  const per = ({ before, after, count }: ActorMemory, part: 'heapUsed' | 'rss') =>
    whole((after[part] - before[part]) / count);
  console.log(
    table(
      ['actors', 'heap, bytes each', 'RSS, bytes each', 'RSS of the process, MiB'],
      results.map(it => [whole(it.count), per(it, 'heapUsed'), per(it, 'rss'), decimals(it.after.rss / 2 ** 20, 0)]),
    ),
  );
  await saveResult('actors', results);
}

async function measure(count: number): Promise<ActorMemory> {
  const file = fileURLToPath(new URL('./idle-actors.ts', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', '--max-old-space-size=8192', file, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  if (code !== 0) throw new Error(`The process with ${count} actors ended with ${code}`);
  return JSON.parse(output) as ActorMemory;
}

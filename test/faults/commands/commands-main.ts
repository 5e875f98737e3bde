/** A long run of commands. */
import { parseArgs } from 'node:util';
import { runCommands } from './command-run.ts';

/** Sets the exit code. */
export async function runCommandsByHand(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '200' },
      engine: { type: 'string', default: 'postgres' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      rate: { type: 'string', default: '20' },
      /** Devices that remember no command: the run must then find some that were carried out twice. */
      forgets: { type: 'boolean', default: false },
    },
  });
  const engine = (['pglite', 'postgres'] as const).find(it => it === values.engine);
  if (!engine) throw new Error('--engine is pglite or postgres');
  const { forgets } = values;
  const options = { engine, kills: Number(values.kills), seed: Number(values.seed), forgets };
  console.log(options);
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1_000);
  const log = (line: string) => console.log(`${String(seconds()).padStart(5)} s  ${line}`);
  const { findings, kills, twinChanges, problems } = await runCommands({
    ...options,
    commandsPerSecond: Number(values.rate),
    log,
  });
  console.log(String(findings));
  console.log({ ...kills, twinChanges, seconds: seconds() });
  for (const problem of problems) console.log(`NOT AS IT SHOULD BE: ${problem}`);
  console.log(findings.verdict);
  process.exitCode = findings.kept && problems.length === 0 ? 0 : 1;
}

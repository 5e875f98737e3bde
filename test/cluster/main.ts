/** Long runs: npm run test:cluster -- --minutes 10 --seed 1 [--only kill-node,cut-nats] */
import { parseArgs } from 'node:util';
import { chance } from '../faults/random.ts';
import { startClusterRun } from './cluster-run.ts';
import { brokenPromises, printScenarios, type ScenarioReport } from './reports.ts';
import { SCENARIOS } from './scenarios/index.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    nodes: { type: 'string', default: '3' },
    /** Names of scenarios, with commas. Without it: all. */
    only: { type: 'string' },
    /** Each once, in the order of their list, instead of at random. */
    once: { type: 'boolean', default: false },
    /** Acknowledge before the commit: the run must then find missing messages. */
    unsafe: { type: 'boolean', default: false },
  },
});
const names = values.only?.split(',') ?? SCENARIOS.map(it => it.name);
const scenarios = names.map(name => {
  const found = SCENARIOS.find(it => it.name === name);
  if (!found) throw new Error(`--only: there is no scenario ${name}, but ${SCENARIOS.map(it => it.name).join(', ')}`);
  return found;
});
const seed = Number(values.seed);
console.log({ seed, minutes: Number(values.minutes), nodes: Number(values.nodes), scenarios: names.join(', ') });

const began = performance.now();
const seconds = () => `${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s`;
const log = (line: string) => console.log(`${seconds()}  ${line}`);
const env: Record<string, string> = values.unsafe ? { SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT: 'yes' } : {};
const chances = chance(seed);
const run = await startClusterRun({ chance: chances, nodes: Number(values.nodes), env, log });
try {
  const told = ({ name, unownedMs, longestGapMs, longestWaitMs }: ScenarioReport) =>
    log(
      `${name}: unowned ${unownedMs.toFixed(0)} ms, gap ${longestGapMs.toFixed(0)}, wait ${longestWaitMs.toFixed(0)}`,
    );
  const endMs = began + Number(values.minutes) * 60_000;
  if (values.once) for (const scenario of scenarios) told(await run.strike(scenario));
  else while (performance.now() < endMs) told(await run.strike(chances.pick(scenarios)));
  const report = await run.finish();
  printScenarios(report.scenarios);
  console.log(String(report.findings));
  console.log(`${report.down.commands}\n${report.down.twins.changes} changes of twins`);
  const broken = brokenPromises(report);
  console.log(broken.length === 0 ? 'Every promise was kept.' : `PROMISES WERE BROKEN.\n${broken.join('\n')}`);
  process.exitCode = broken.length === 0 ? 0 : 1;
} finally {
  await run.end();
}

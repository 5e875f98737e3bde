/**
 * Many simulated worlds: npm run simulate -- --seeds 50000 --from 1 --jobs 2
 * One of them, told in full:  npm run simulate -- --seeds 1 --from 443 --lines 200
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { MUTATIONS, NO_MUTATION } from './mutations.ts';
import { planOf } from './plan.ts';
import { simulatePlan } from './run.ts';
import type { Failure, Range, Report } from './seed-worker.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    /** How many of the last events of a failing world are shown. */
    lines: { type: 'string', default: '60' },
    /** How many failing seeds are made smaller and told. */
    tell: { type: 'string', default: '3' },
    mutation: { type: 'string' },
  },
});
const mutation = (Object.keys(MUTATIONS) as (keyof typeof MUTATIONS)[]).find(it => it === values.mutation);
if (values.mutation !== undefined && mutation === undefined)
  throw new Error(`--mutation is one of: ${Object.keys(MUTATIONS).join('; ')}`);
const RANGE = 50;

function* ranges(): Generator<Range> {
  const end = Number(values.from) + Number(values.seeds);
  for (let from = Number(values.from); from < end; from += RANGE)
    yield { from, count: Math.min(RANGE, end - from), mutation };
}

/** One thread takes range after range. */
async function work(todo: Iterator<Range>, done: (report: Report) => void): Promise<void> {
  const worker = new Worker(new URL('./seed-worker.ts', import.meta.url));
  for (let next = todo.next(); !next.done; next = todo.next()) {
    const { promise, resolve, reject } = Promise.withResolvers<Report>();
    worker.once('message', resolve).once('error', reject);
    worker.postMessage(next.value);
    done(await promise);
    worker.off('error', reject);
  }
  await worker.terminate();
}

async function tell({ seed, invariant }: Failure): Promise<void> {
  const options = { mutation: mutation ? MUTATIONS[mutation] : NO_MUTATION };
  const fails = async (plan: ReturnType<typeof planOf>) =>
    (await simulatePlan(plan, options)).violations[0]?.invariant === invariant;
  const plan = await shrink(planOf(seed), fails);
  const { violations, lines } = await simulatePlan(plan, { ...options, traceLines: Number(values.lines) });
  console.log(`\nSeed ${seed}, made smaller:\n${JSON.stringify(plan)}\n${lines.join('\n')}`);
  for (const it of violations) console.log(`${(it.atMs / 1_000).toFixed(3)} s: ${it.invariant}: ${it.what}`);
}

const began = performance.now();
const failures: Failure[] = [];
let events = 0;
let simulatedMs = 0;
const todo = ranges();
const jobs = Array.from({ length: Number(values.jobs) }, () =>
  work(todo, report => {
    failures.push(...report.failures);
    events += report.events;
    simulatedMs += report.simulatedMs;
    for (const it of report.failures) console.log(`seed ${it.seed}: ${it.invariant}: ${it.what}`);
  }),
);
await Promise.all(jobs);
for (const failure of failures.sort((a, b) => a.seed - b.seed).slice(0, Number(values.tell))) await tell(failure);
const seconds = (performance.now() - began) / 1_000;
console.log(
  `${values.seeds} worlds from seed ${values.from}: ${failures.length} failed; ${events} events,`,
  `${Math.round(simulatedMs / 3_600_000)} simulated hours, ${seconds.toFixed(1)} s.`,
);
process.exitCode = failures.length > 0 ? 1 : 0;

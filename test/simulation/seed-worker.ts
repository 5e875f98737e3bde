/** Runs ranges of seeds in a thread of its own. */
import { parentPort } from 'node:worker_threads';
import { MUTATIONS, NO_MUTATION } from './mutations.ts';
import { simulate } from './run.ts';

export type Range = {
  readonly from: number;
  readonly count: number;
  readonly mutation: keyof typeof MUTATIONS | undefined;
};
export type Failure = { readonly seed: number; readonly invariant: string; readonly what: string };
export type Report = { readonly failures: readonly Failure[]; readonly events: number; readonly simulatedMs: number };

parentPort?.on('message', async ({ from, count, mutation: name }: Range) => {
  const mutation = name === undefined ? NO_MUTATION : MUTATIONS[name];
  const failures: Failure[] = [];
  let events = 0;
  let simulatedMs = 0;
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulate(seed, { mutation });
    events += result.events;
    simulatedMs += result.simulatedMs;
    const [first] = result.violations;
    if (first) failures.push({ seed, invariant: first.invariant, what: first.what });
  }
  parentPort!.postMessage({ failures, events, simulatedMs } satisfies Report);
});

/** The control of the simulation: it finds what is known to be wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MUTATIONS, type Mutation } from './mutations.ts';
import { planOf } from './plan.ts';
import { simulate } from './run.ts';

const SEEDS = 300;

async function firstViolation(mutation: Mutation): Promise<string | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    if (mutation.isOfRequests && planOf(seed).requests.length === 0) continue;
    const [first] = (await simulate(seed, { mutation })).violations;
    if (first && mutation.foundBy.includes(first.invariant))
      return `${first.invariant} with seed ${seed}: ${first.what}`;
  }
  return undefined;
}

for (const [name, mutation] of Object.entries<Mutation>(MUTATIONS))
  test(`it is found within ${SEEDS} worlds: ${name}`, async context => {
    const found = await firstViolation(mutation);
    assert.ok(found !== undefined);
    context.diagnostic(found);
  });

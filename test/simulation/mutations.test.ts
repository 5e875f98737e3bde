/** The control of the simulation: it finds what is known to be wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MUTATIONS, type Mutation } from './mutations.ts';
import { planOf } from './plan.ts';
import { simulate } from './run.ts';

const SEEDS = 300;

/** All of them: a world that is made in another way may show it elsewhere. */
function* seedsFor({ shownBy }: Mutation): Generator<number> {
  if (shownBy !== undefined) yield shownBy;
  for (let seed = 1; seed <= SEEDS; seed++) if (seed !== shownBy) yield seed;
}

async function firstViolation(mutation: Mutation): Promise<string | undefined> {
  for (const seed of seedsFor(mutation)) {
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

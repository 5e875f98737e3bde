/** One simulated world from its plan to its end. */
import { helpDevices } from './commands-end.ts';
import type { Violation } from './invariants.ts';
import { type Mutation, NO_MUTATION } from './mutations.ts';
import { healedMs, type Plan, planOf } from './plan.ts';
import {
  acknowledgementsEnd,
  areShardsOwned,
  everythingIsThere,
  FINISHED_WITHIN_MS,
  isAtRest,
  isFinished,
} from './quiet-end.ts';
import { World } from './world.ts';

export type Result = {
  /** Of everything that happened: the same plan gives the same. */
  readonly hash: string;
  readonly violations: readonly Violation[];
  readonly events: number;
  /** How long it took in that world. */
  readonly simulatedMs: number;
  /** The last of what happened. */
  readonly lines: readonly string[];
};

export type RunOptions = { readonly mutation?: Mutation; readonly traceLines?: number };

const STEP_MS = 500;

export const simulate = (seed: number, options: RunOptions = {}): Promise<Result> =>
  simulatePlan(planOf(seed), options);

export async function simulatePlan(plan: Plan, options: RunOptions = {}): Promise<Result> {
  const world = new World(plan, options.mutation ?? NO_MUTATION, options.traceLines ?? 0);
  const { clock, invariants, trace } = world;
  const unhandled = (error: unknown) => invariants.violated('defect', `unhandled: ${(error as Error).stack}`);
  process.on('unhandledRejection', unhandled);
  try {
    await live(world, healedMs(plan));
  } finally {
    process.off('unhandledRejection', unhandled);
  }
  const { violations } = invariants;
  return { hash: trace.hash, violations, events: trace.events, simulatedMs: clock.nowMs, lines: trace.lines };
}

async function live(world: World, healMs: number): Promise<void> {
  const { clock, invariants } = world;
  const isOver = () => invariants.violations.length > 0;
  world.begin();
  while (clock.nowMs < healMs && !isOver()) {
    await clock.run(Math.min(healMs, clock.nowMs + STEP_MS), isOver);
    invariants.withinLimits();
  }
  if (isOver()) return;
  world.heal();
  for (let isDone = false; !isDone && !isOver(); ) {
    await clock.run(clock.nowMs + STEP_MS, isOver);
    invariants.withinLimits();
    acknowledgementsEnd(world, healMs);
    helpDevices(world, clock.nowMs - healMs);
    const areOwned = areShardsOwned(world, healMs);
    isDone = (areOwned && isFinished(world) && isAtRest(world)) || clock.nowMs > healMs + FINISHED_WITHIN_MS;
  }
  if (!isOver()) everythingIsThere(world);
}

import type { Row, Step } from './database.ts';

/** What a transaction of a lane does of one kind of effects, with one statement for all of them. */
export type StepsOfEffects = {
  /** None if there is nothing of this kind. */
  readonly steps: readonly Step[];
  /** Marks the effects of which something turned out to be new. `rows`: of each step. */
  readonly tellNews?: (rows: readonly (readonly Row[])[], news: boolean[]) => void;
};

export const NO_STEPS: StepsOfEffects = { steps: [] };

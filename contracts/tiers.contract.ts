import { action, contract } from './contract.ts';

export const tiers = contract('tiers', {
  /** Looks at all days that are due now, and at those that become due by it; answers what was moved. Runs by itself. */
  sweep: action({}, { needs: 'inside' }).returns<SweepResult>(),
});

/** Rows, but for `archivesRemoved`, which are files, and `partsDropped`: whole partitions or chunks. */
export type SweepResult = {
  archived: number;
  dropped: number;
  rollupsRemoved: number;
  archivesRemoved: number;
  partsDropped: number;
};

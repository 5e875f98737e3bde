import { action, contract } from './contract.ts';

export const retention = contract('retention', {
  /** Removes what is older than its limit now; answers how many rows of each table. Runs by itself every ten minutes. */
  sweep: action({}, { needs: 'inside' }).returns<Record<string, number>>(),
});

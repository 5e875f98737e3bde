import { action, contract } from './contract.ts';

export const gateway = contract('gateway', {
  /** Answers as long as the process handles requests at all. */
  live: action({}, { needs: 'anyone' }).returns<{ status: 'alive' }>(),
});

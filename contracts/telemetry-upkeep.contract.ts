import { action, contract } from './contract.ts';

export const telemetryUpkeep = contract('telemetry-upkeep', {
  /** Makes the rollups of all hours that are due now. Answers in how many pieces. Runs by itself all the time. */
  fold: action({}, { needs: 'inside' }).returns<number>(),
  /** Makes partitions ahead, ends rollups of minutes, sets compression. Runs by itself at start and every hour. */
  keepUp: action({}, { needs: 'inside' }).returns<{ partitions: number; dropped: number }>(),
});

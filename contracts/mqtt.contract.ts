import { action, contract } from './contract.ts';
import type { HealthReport } from './health.contract.ts';

export const mqtt = contract('mqtt', {
  health: action({}).returns<HealthReport>(),
});

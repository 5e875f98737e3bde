import { action, contract } from './contract.ts';

export type Condition = 'healthy' | 'degraded' | 'unhealthy';
/** What one service says of itself: a condition, a sentence when it is not healthy, and figures. */
export type HealthReport = { condition: Condition; detail?: string; figures: Record<string, number | string> };

/** Every service that has something to say answers `<service>.health`. */
export const health = contract('health', {
  /** `ready` is what a load balancer asks: false while starting, stopping, or without a database. */
  ready: action({}, { needs: 'anyone' }).returns<{ ready: boolean; reason?: string }>(),
  /** For everybody: nothing of the inside. */
  condition: action({}, { needs: 'anyone' }).returns<{ condition: Condition }>(),
  services: action({}, { needs: 'system:read' }).returns<Record<string, HealthReport>>(),
  system: action({}, { needs: 'system:read' }).returns<{
    condition: Condition;
    services: Record<string, HealthReport>;
    figures: Record<string, number | string>;
  }>(),
  /** Of the caller's tenant, on all nodes; `activeActors` are those in the memory of this process. */
  devices: action({}, { needs: 'devices:read' }).returns<{
    registered: Record<string, number>;
    connected: number;
    activeActors: number;
  }>(),
});

import { gateway } from '../../../contracts/gateway.contract.ts';
import { health } from '../../../contracts/health.contract.ts';
import { metrics } from '../../../contracts/metrics.contract.ts';
import { condition, plain, prometheusText, readiness } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { nothing } from '../readings.ts';

/** What a probe asks needs no key; what names figures does. */
export const healthRoutes: readonly Endpoint[] = [
  endpoint('GET', '/health', health.condition, nothing, condition),
  endpoint('GET', '/health/live', gateway.live, nothing, plain),
  endpoint('GET', '/health/ready', health.ready, nothing, readiness),
  endpoint('GET', '/health/devices', health.devices, nothing, plain),
  endpoint('GET', '/health/services', health.services, nothing, plain),
  endpoint('GET', '/health/system', health.system, nothing, plain),
  endpoint('GET', '/metrics', metrics.prometheus, nothing, prometheusText),
];

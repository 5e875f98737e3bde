import { gateway } from '../../../contracts/gateway.contract.ts';
import { health } from '../../../contracts/health.contract.ts';
import { metrics } from '../../../contracts/metrics.contract.ts';
import { condition, plain, prometheusText, readiness } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { nothing } from '../readings.ts';

const open = { access: 'public' } as const;
const operators = { access: 'application' } as const;

/** What a probe asks needs no key; what names figures does. */
export const healthRoutes: readonly Endpoint[] = [
  endpoint('GET', '/health', health.system, nothing, condition, open),
  endpoint('GET', '/health/live', gateway.live, nothing, plain, open),
  endpoint('GET', '/health/ready', health.ready, nothing, readiness, open),
  endpoint('GET', '/health/devices', health.devices, nothing, plain, operators),
  endpoint('GET', '/health/services', health.services, nothing, plain, operators),
  endpoint('GET', '/health/system', health.system, nothing, plain, operators),
  endpoint('GET', '/metrics', metrics.prometheus, nothing, prometheusText, operators),
];

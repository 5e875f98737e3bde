import type { ServiceSchema } from 'moleculer';
import type { ServiceName } from '../config.ts';
import { accessService } from './access.service.ts';
import { actorsService } from './actors.service.ts';
import { clusterService } from './cluster.service.ts';
import { deadLettersService } from './dead-letters.service.ts';
import { devicesService } from './devices.service.ts';
import { gatewayService } from './gateway.service.ts';
import { healthService } from './health.service.ts';
import { metricsService } from './metrics.service.ts';
import { mqttService } from './mqtt.service.ts';
import type { Node } from './node.ts';
import { retentionService } from './retention.service.ts';
import type { Runtime } from './runtime.ts';
import { sessionsService } from './sessions.service.ts';
import { telemetryService } from './telemetry.service.ts';
import { twinsService } from './twins.service.ts';

/** Every process has this one, whatever else it runs. */
export const clusterOf = (runtime: Runtime): ServiceSchema => clusterService(runtime);

/** The services that a process may have. They start in the order of `SERVICES` in config.ts, and stop in the opposite one. */
export const services: Record<ServiceName, (node: Node, runtime: Runtime) => ServiceSchema> = {
  access: node => accessService(node),
  devices: node => devicesService(node),
  actors: (node, runtime) => actorsService(node, runtime),
  telemetry: (node, { router }) => telemetryService(node, router),
  twins: (node, { router }) => twinsService(node, router),
  'dead-letters': (node, { router }) => deadLettersService(node, router),
  retention: node => retentionService(node),
  health: node => healthService(node),
  metrics: node => metricsService(node),
  sessions: node => sessionsService(node),
  mqtt: (node, { router }) => mqttService(node, router, { ...node, nodeId: node.config.nodeId }),
  gateway: node => gatewayService(node),
};

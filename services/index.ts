import type { ServiceSchema } from 'moleculer';
import type { ServiceName } from '../config.ts';
import { accessService } from './access.service.ts';
import { actorsService } from './actors.service.ts';
import { clusterService } from './cluster.service.ts';
import { commandsService } from './commands.service.ts';
import { deadLettersService } from './dead-letters.service.ts';
import { deviceTypesService } from './device-types.service.ts';
import { devicesService } from './devices.service.ts';
import { eventsService } from './events.service.ts';
import { gatewayService } from './gateway.service.ts';
import { groupsService } from './groups.service.ts';
import { healthService } from './health.service.ts';
import { jobsService } from './jobs.service.ts';
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
  'device-types': node => deviceTypesService(node),
  groups: node => groupsService(node),
  actors: (node, runtime) => actorsService(node, runtime),
  telemetry: (node, { router }) => telemetryService(node, router),
  twins: (node, { router, twinOf }) => twinsService(node, router, { twinOf }),
  commands: (node, { router, waiters }) => commandsService(node, router, waiters),
  jobs: (node, { router }) => jobsService(node, router),
  'dead-letters': (node, { router }) => deadLettersService(node, router),
  retention: node => retentionService(node),
  health: node => healthService(node),
  metrics: node => metricsService(node),
  sessions: node => sessionsService(node),
  events: node => eventsService(node),
  mqtt: (node, { router, fronts }) => mqttService(node, router, { ...node, nodeId: node.config.nodeId }, fronts),
  gateway: node => gatewayService(node),
};

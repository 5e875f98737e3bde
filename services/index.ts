import type { ServiceSchema } from 'moleculer';
import type { Router } from '../actors/runtime/router.ts';
import type { ServiceName } from '../config.ts';
import { accessService } from './access.service.ts';
import { actorsService } from './actors.service.ts';
import { deadLettersService } from './dead-letters.service.ts';
import { devicesService } from './devices.service.ts';
import { gatewayService } from './gateway.service.ts';
import { healthService } from './health.service.ts';
import { mqttService } from './mqtt.service.ts';
import type { Node } from './node.ts';
import { retentionService } from './retention.service.ts';
import { telemetryService } from './telemetry.service.ts';

/** Every service of Skein. They start in the order of `SERVICES` in config.ts, and stop in the opposite one. */
export const services: Record<ServiceName, (node: Node, router: Router, onFenced: () => void) => ServiceSchema> = {
  access: node => accessService(node),
  devices: node => devicesService(node),
  actors: (node, router, onFenced) => actorsService(node, router, onFenced),
  telemetry: (node, router) => telemetryService(node, router),
  'dead-letters': (node, router) => deadLettersService(node, router),
  retention: node => retentionService(node),
  health: node => healthService(node),
  mqtt: (node, router) => mqttService(node, router),
  gateway: node => gatewayService(node),
};

import type { ServiceSchema } from 'moleculer';
import type { ServiceName } from '../config.ts';
import { accessService } from './access.service.ts';
import { actorsService } from './actors.service.ts';
import { apiKeysService } from './api-keys.service.ts';
import { assetsService } from './assets.service.ts';
import { auditService } from './audit.service.ts';
import { authService } from './auth.service.ts';
import { capabilitiesService } from './capabilities.service.ts';
import { certificatesService } from './certificates.service.ts';
import { clusterService } from './cluster.service.ts';
import { commandsService } from './commands.service.ts';
import { credentialsService } from './credentials.service.ts';
import { deadLettersService } from './dead-letters.service.ts';
import { deviceTypesService } from './device-types.service.ts';
import { devicesService } from './devices.service.ts';
import { eventsService } from './events.service.ts';
import { exportsService } from './exports.service.ts';
import { gatewayService } from './gateway.service.ts';
import { groupsService } from './groups.service.ts';
import { healthService } from './health.service.ts';
import { importsService } from './imports.service.ts';
import { jobsService } from './jobs.service.ts';
import { legalHoldsService } from './legal-holds.service.ts';
import { locationsService } from './locations.service.ts';
import { metricsService } from './metrics.service.ts';
import { mqttService } from './mqtt.service.ts';
import type { Node } from './node.ts';
import { organizationsService } from './organizations.service.ts';
import { provisioningService } from './provisioning.service.ts';
import { retentionService } from './retention.service.ts';
import { rolesService } from './roles.service.ts';
import type { Runtime } from './runtime.ts';
import { securityService } from './security.service.ts';
import { sessionsService } from './sessions.service.ts';
import { storageService } from './storage.service.ts';
import { storagePoliciesService } from './storage-policies.service.ts';
import { telemetryService } from './telemetry.service.ts';
import { telemetryImportsService } from './telemetry-imports.service.ts';
import { telemetryUpkeepService } from './telemetry-upkeep.service.ts';
import { tiersService } from './tiers.service.ts';
import { twinsService } from './twins.service.ts';
import { usersService } from './users.service.ts';

/** Every process has this one, whatever else it runs. */
export const clusterOf = (runtime: Runtime): ServiceSchema => clusterService(runtime);

/** The services that a process may have. They start in the order of `SERVICES` in config.ts, and stop in the opposite one. */
export const services: Record<ServiceName, (node: Node, runtime: Runtime) => ServiceSchema> = {
  access: (node, { verified }) => accessService(node, verified),
  audit: node => auditService(node),
  auth: node => authService(node),
  organizations: node => organizationsService(node),
  users: node => usersService(node),
  roles: node => rolesService(node),
  'api-keys': node => apiKeysService(node),
  devices: node => devicesService(node),
  provisioning: node => provisioningService(node),
  imports: node => importsService(node),
  credentials: node => credentialsService(node),
  certificates: node => certificatesService(node),
  'device-types': node => deviceTypesService(node),
  groups: node => groupsService(node),
  assets: node => assetsService(node),
  locations: node => locationsService(node),
  capabilities: node => capabilitiesService(node),
  actors: (node, runtime) => actorsService(node, runtime),
  telemetry: (node, { router }) => telemetryService(node, router, node.archive.readings),
  'telemetry-imports': node => telemetryImportsService(node),
  'telemetry-upkeep': node => telemetryUpkeepService(node),
  exports: node => exportsService(node),
  twins: (node, { router, twinOf }) => twinsService(node, router, { twinOf }),
  commands: (node, { router, waiters }) => commandsService(node, router, waiters),
  jobs: (node, { router }) => jobsService(node, router),
  'dead-letters': (node, { router }) => deadLettersService(node, router),
  retention: node => retentionService(node),
  'storage-policies': node => storagePoliciesService(node),
  'legal-holds': node => legalHoldsService(node),
  storage: node => storageService(node),
  tiers: node => tiersService(node),
  security: node => securityService(node),
  health: node => healthService(node),
  metrics: node => metricsService(node),
  sessions: node => sessionsService(node),
  events: node => eventsService(node),
  mqtt: (node, { router, fronts }) => mqttService(node, router, { ...node, nodeId: node.config.nodeId }, fronts),
  gateway: (node, { verified }) => gatewayService(node, verified),
};

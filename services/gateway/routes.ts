/** Every path of REST, by resource: method, path, action, how its parameters are read, how its answer is shaped. */
import type { Endpoint } from './endpoint.ts';
import { assetRoutes } from './routes/assets.routes.ts';
import { auditRoutes } from './routes/audit.routes.ts';
import { authRoutes, wellKnownRoutes } from './routes/auth.routes.ts';
import { certificateRoutes } from './routes/certificates.routes.ts';
import { commandRoutes } from './routes/commands.routes.ts';
import { credentialRoutes } from './routes/credentials.routes.ts';
import { deadLetterRoutes } from './routes/dead-letters.routes.ts';
import { deviceRoutes } from './routes/devices.routes.ts';
import { eventRoutes } from './routes/events.routes.ts';
import { exportRoutes } from './routes/exports.routes.ts';
import { fleetRoutes } from './routes/fleet.routes.ts';
import { healthRoutes } from './routes/health.routes.ts';
import { identityRoutes } from './routes/identity.routes.ts';
import { openApiRoutes } from './routes/openapi.routes.ts';
import { provisioningRoutes } from './routes/provisioning.routes.ts';
import { securityRoutes } from './routes/security.routes.ts';
import { sessionRoutes } from './routes/sessions.routes.ts';
import { storageRoutes } from './routes/storage.routes.ts';
import { telemetryRoutes } from './routes/telemetry.routes.ts';
import { telemetryImportRoutes } from './routes/telemetry-imports.routes.ts';
import { twinRoutes } from './routes/twins.routes.ts';

/** Below `/api/v1` and, the same, below `/api`. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...authRoutes,
  ...identityRoutes,
  ...provisioningRoutes,
  ...deviceRoutes,
  ...credentialRoutes,
  ...certificateRoutes,
  ...sessionRoutes,
  ...telemetryRoutes,
  ...telemetryImportRoutes,
  ...exportRoutes,
  ...twinRoutes,
  ...commandRoutes,
  ...fleetRoutes,
  ...assetRoutes,
  ...eventRoutes,
  ...deadLetterRoutes,
  ...storageRoutes,
  ...auditRoutes,
  ...securityRoutes,
];

/** Below the root, and below both prefixes too. */
export const HEALTH_ENDPOINTS: readonly Endpoint[] = [...healthRoutes, ...wellKnownRoutes, ...openApiRoutes];

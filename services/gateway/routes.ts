/** Every path of REST, by resource: method, path, action, how its parameters are read, how its answer is shaped. */
import type { Endpoint } from './endpoint.ts';
import { commandRoutes } from './routes/commands.routes.ts';
import { deadLetterRoutes } from './routes/dead-letters.routes.ts';
import { deviceRoutes } from './routes/devices.routes.ts';
import { eventRoutes } from './routes/events.routes.ts';
import { fleetRoutes } from './routes/fleet.routes.ts';
import { healthRoutes } from './routes/health.routes.ts';
import { sessionRoutes } from './routes/sessions.routes.ts';
import { telemetryRoutes } from './routes/telemetry.routes.ts';
import { twinRoutes } from './routes/twins.routes.ts';

/** Below `/api/v1` and, the same, below `/api`. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...deviceRoutes,
  ...sessionRoutes,
  ...telemetryRoutes,
  ...twinRoutes,
  ...commandRoutes,
  ...fleetRoutes,
  ...eventRoutes,
  ...deadLetterRoutes,
];

/** Below the root, and below both prefixes too. */
export const HEALTH_ENDPOINTS = healthRoutes;

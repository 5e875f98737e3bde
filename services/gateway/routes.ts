/** Every path of REST: method, path, action, how its parameters are read, how its answer is shaped. */
import { deadLetters } from '../../contracts/dead-letters.contract.ts';
import { devices } from '../../contracts/devices.contract.ts';
import { gateway } from '../../contracts/gateway.contract.ts';
import { health } from '../../contracts/health.contract.ts';
import { metrics } from '../../contracts/metrics.contract.ts';
import { sessions } from '../../contracts/sessions.contract.ts';
import { telemetry } from '../../contracts/telemetry.contract.ts';
import { twins } from '../../contracts/twins.contract.ts';
import { accepted, condition, created, plain, prometheusText, readiness, versioned, versionedTwin } from './answers.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import {
  changes,
  desiredPatch,
  items,
  listing,
  nothing,
  pathId,
  pathIdAndVersion,
  registration,
  seriesOf,
} from './readings.ts';
import { hoursOf, seedHistory, seedLatest } from './seed-shapes.ts';

const create = { takesBody: true, creates: true };
const open = { access: 'public' } as const;
const operators = { access: 'application' } as const;

/** Below `/api/v1` and, the same, below `/api`. */
export const ENDPOINTS: readonly Endpoint[] = [
  endpoint('POST', '/devices', devices.register, registration, created, create),
  endpoint('POST', '/devices/provision', devices.register, registration, created, create),
  endpoint('GET', '/devices', devices.list, listing, plain),
  endpoint('GET', '/devices/:id', devices.get, pathId, versioned),
  endpoint('PATCH', '/devices/:id', devices.update, changes, versioned, { takesBody: true }),
  endpoint('DELETE', '/devices/:id', devices.decommission, pathIdAndVersion, versioned),
  endpoint('GET', '/devices/:id/session', sessions.get, pathId, plain),

  endpoint('POST', '/telemetry', telemetry.send, items, accepted, create),
  endpoint('GET', '/devices/:id/telemetry', telemetry.series, seriesOf, plain),
  endpoint('GET', '/devices/:id/telemetry/latest', telemetry.latest, pathId, plain),
  endpoint('GET', '/devices/:id/data', telemetry.series, seriesOf, plain),
  endpoint('GET', '/devices/:id/data/latest', telemetry.latest, pathId, plain),
  endpoint('GET', '/device/:id/history', telemetry.series, hoursOf, seedHistory),
  endpoint('GET', '/device/:id/latest', telemetry.latest, pathId, seedLatest),

  endpoint('GET', '/devices/:id/twin', twins.get, pathId, versionedTwin),
  endpoint('PATCH', '/devices/:id/twin/desired', twins.patchDesired, desiredPatch, versionedTwin, {
    ...operators,
    takesBody: true,
  }),

  endpoint('GET', '/dead-letters', deadLetters.list, listing, plain),
  endpoint('GET', '/dead-letters/:id', deadLetters.get, pathId, plain),
  endpoint('POST', '/dead-letters/:id/replay', deadLetters.replay, pathId, plain),
];

/** Below the root, and below both prefixes too. What a probe asks needs no key; what names figures does. */
export const HEALTH_ENDPOINTS: readonly Endpoint[] = [
  endpoint('GET', '/health', health.system, nothing, condition, open),
  endpoint('GET', '/health/live', gateway.live, nothing, plain, open),
  endpoint('GET', '/health/ready', health.ready, nothing, readiness, open),
  endpoint('GET', '/health/devices', health.devices, nothing, plain, operators),
  endpoint('GET', '/health/services', health.services, nothing, plain, operators),
  endpoint('GET', '/health/system', health.system, nothing, plain, operators),
  endpoint('GET', '/metrics', metrics.prometheus, nothing, prometheusText, operators),
];

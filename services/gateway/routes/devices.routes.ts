import { devices } from '../../../contracts/devices.contract.ts';
import { created, plain, versioned } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { changes, listing, pathId, pathIdAndVersion, registration } from '../readings.ts';

const create = { takesBody: true, creates: true };

export const deviceRoutes: readonly Endpoint[] = [
  endpoint('POST', '/devices', devices.register, registration, created, create),
  endpoint('POST', '/devices/provision', devices.register, registration, created, create),
  endpoint('GET', '/devices', devices.list, listing, plain),
  endpoint('GET', '/devices/:id', devices.get, pathId, versioned),
  endpoint('PATCH', '/devices/:id', devices.update, changes, versioned, { takesBody: true }),
  endpoint('DELETE', '/devices/:id', devices.decommission, pathIdAndVersion, versioned),
];

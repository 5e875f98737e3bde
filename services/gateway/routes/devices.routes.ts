import { devices } from '../../../contracts/devices.contract.ts';
import { created, plain, versioned } from '../answers.ts';
import { goingOn, pageOfDevice, pathAndFields, pathFieldsAndVersion, provisioned } from '../devices-readings.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { changes, listing, pathId, pathIdAndVersion, registration } from '../readings.ts';

const create = { takesBody: true, creates: true };
const mayHaveBody = { takesBody: 'optional' } as const;

export const deviceRoutes: readonly Endpoint[] = [
  endpoint('POST', '/devices', devices.register, registration, created, create),
  endpoint('POST', '/devices/provision', devices.register, registration, created, create),
  endpoint('GET', '/devices', devices.list, listing, plain),
  endpoint('GET', '/devices/:id', devices.get, pathId, versioned),
  endpoint('PATCH', '/devices/:id', devices.update, changes, versioned, { takesBody: true }),
  endpoint('DELETE', '/devices/:id', devices.decommission, pathIdAndVersion, versioned),
  endpoint('PUT', '/devices/:id/provision', devices.provision, pathAndFields, provisioned, mayHaveBody),
  endpoint('POST', '/devices/:id/lifecycle', devices.changeState, pathFieldsAndVersion, versioned, { takesBody: true }),
  endpoint('GET', '/devices/:id/lifecycle', devices.history, pageOfDevice, plain),
  endpoint('POST', '/devices/:id/erase', devices.erase, pathAndFields, goingOn, mayHaveBody),
];

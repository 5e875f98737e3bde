import { sessions } from '../../../contracts/sessions.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { listing, pathId } from '../readings.ts';

export const sessionRoutes: readonly Endpoint[] = [
  endpoint('GET', '/devices/:id/session', sessions.get, pathId, plain),
  endpoint('GET', '/sessions', sessions.list, listing, plain),
];

import { events } from '../../../contracts/events.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { listing, numberOf } from '../readings.ts';

export const eventRoutes: readonly Endpoint[] = [
  endpoint(
    'GET',
    '/events',
    events.list,
    request => ({ ...listing(request), wait: numberOf(request.query.wait) }),
    plain,
  ),
];

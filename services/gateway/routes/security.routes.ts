import { security } from '../../../contracts/security.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { noQuery, nothing, objectOf } from '../readings.ts';

export const securityRoutes: readonly Endpoint[] = [
  endpoint('GET', '/security/data-keys', security.listDataKeys, nothing, plain),
  endpoint(
    'POST',
    '/security/data-keys/rotate',
    security.rotateDataKeys,
    request => {
      noQuery(request);
      return objectOf(request.body ?? {});
    },
    plain,
    { takesBody: 'optional' },
  ),
];

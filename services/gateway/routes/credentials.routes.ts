import { credentials } from '../../../contracts/credentials.contract.ts';
import { plain } from '../answers.ts';
import { madeSecret, pathAndFields, pathOnly } from '../devices-readings.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { pathId } from '../readings.ts';

const make = { takesBody: 'optional', creates: true } as const;

export const credentialRoutes: readonly Endpoint[] = [
  endpoint('GET', '/devices/:id/credentials', credentials.list, pathId, plain),
  endpoint('POST', '/devices/:id/keys', credentials.issueKey, pathAndFields, madeSecret, make),
  endpoint('POST', '/devices/:id/keys/rotate', credentials.rotateKeys, pathAndFields, madeSecret, make),
  endpoint('DELETE', '/devices/:id/keys/:keyId', credentials.revokeKey, pathOnly, plain),
  endpoint('POST', '/devices/:id/tokens', credentials.issueToken, pathAndFields, madeSecret, make),
  endpoint('DELETE', '/devices/:id/tokens/:tokenId', credentials.revokeToken, pathOnly, plain),
];

import { deadLetters } from '../../../contracts/dead-letters.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { listing, pathId } from '../readings.ts';

export const deadLetterRoutes: readonly Endpoint[] = [
  endpoint('GET', '/dead-letters', deadLetters.list, listing, plain),
  endpoint('GET', '/dead-letters/:id', deadLetters.get, pathId, plain),
  endpoint('POST', '/dead-letters/:id/replay', deadLetters.replay, pathId, plain),
];

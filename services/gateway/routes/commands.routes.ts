import { commands } from '../../../contracts/commands.contract.ts';
import { plain } from '../answers.ts';
import { commandAndFields, listingOfDevice, newCommand, taken } from '../commands-readings.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { listing, pathId } from '../readings.ts';

const create = { takesBody: true, creates: true };
const change = { takesBody: 'optional' } as const;

export const commandRoutes: readonly Endpoint[] = [
  endpoint('POST', '/devices/:id/commands', commands.send, newCommand, taken, create),
  endpoint('GET', '/devices/:id/commands', commands.listOfDevice, listingOfDevice, plain),
  endpoint('GET', '/commands', commands.list, listing, plain),
  endpoint('GET', '/commands/:id', commands.get, pathId, plain),
  endpoint('POST', '/commands/:id/cancel', commands.cancel, commandAndFields, plain, change),
  endpoint('POST', '/commands/:id/resend', commands.resend, commandAndFields, taken, {
    ...change,
    creates: true,
  }),
  endpoint('GET', '/dead-letters/commands', commands.listDeadLetters, listing, plain),
];

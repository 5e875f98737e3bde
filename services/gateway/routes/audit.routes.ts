import { audit } from '../../../contracts/audit.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint, type Read } from '../endpoint.ts';
import { listing, numberOf, timeOf } from '../readings.ts';

const entries: Read = request => ({
  ...listing(request),
  from: timeOf('from', request.query.from),
  to: timeOf('to', request.query.to),
});
const part: Read = ({ query }) => ({ ...query, after: numberOf(query.after) });

export const auditRoutes: readonly Endpoint[] = [
  endpoint('GET', '/audit', audit.list, entries, plain),
  endpoint('GET', '/audit/verify', audit.verify, part, plain),
];

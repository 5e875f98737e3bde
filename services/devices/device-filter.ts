/** Which devices a caller asks for. */
import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { LIFECYCLE_STATES } from '../../contracts/devices.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { DeviceFilter } from './registry.ts';

type Wanted = Omit<DeviceFilter, 'claimed'> & { readonly claimed?: 'true' | 'false' | 'me' };

/** Rejects with `invalid_request`. */
export function filterOf({ claimed, ...rest }: Wanted, caller: MemberPrincipal): DeviceFilter {
  if (rest.state !== undefined && !LIFECYCLE_STATES.some(it => it === rest.state))
    throw new SkeinError('invalid_request', `state must be one of ${LIFECYCLE_STATES.join(', ')}`);
  if (claimed === undefined) return rest;
  if (claimed !== 'me') return { ...rest, claimed: claimed === 'true' };
  if (caller.kind !== 'user') throw new SkeinError('invalid_request', 'Only a user has claimed devices');
  return { ...rest, claimed: caller.id };
}

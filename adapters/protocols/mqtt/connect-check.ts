/** Checks what a client shows, within the limits of its address, and so that nothing counts that was revoked meanwhile. */
import type { Presented, Principal } from '../../../contracts/access.contract.ts';
import { errorTypeOf, SkeinError } from '../../../contracts/errors.ts';
import type { Checked, ConnectLimits } from '../../limits/connect-limits.ts';
import type { Revocations } from './revocations.ts';

/** Asks whose it is. `isFresh`: what is remembered of it does not count. */
export type Verify = (presented: Presented, isFresh: boolean) => Promise<Principal>;
/** What a client shows. The bytes are for the limits only. */
export type Shown = { readonly bytes: Uint8Array; readonly verify: Verify };
/** `revocationsBefore`: what was revoked after that many was not looked at. */
export type Verified = { readonly principal: Principal; readonly revocationsBefore: number };

/** @param peer host and port */
export async function checkCredential(
  { bytes, verify }: Shown,
  peer: string,
  limits: Pick<ConnectLimits, 'check'>,
  revocations: Revocations,
): Promise<Verified> {
  const address = addressOf(peer);
  const checking = limits.check(address, bytes);
  const check = checking instanceof Promise ? await checking : checking;
  if (check === undefined) throw new SkeinError('rate_limited', 'Too many connects from this address were refused');
  let how: Checked = 'unknown';
  try {
    const verified = await verifyTwice(isFresh => verify({ address }, isFresh), revocations);
    how = 'good';
    return verified;
  } catch (error) {
    if (errorTypeOf(error) === 'unauthorized') how = 'wrong';
    throw error;
  } finally {
    check.ended(how);
  }
}

/** Whoever answered may remember it, and not have heard of a revocation that was heard of here: then it is asked again. */
async function verifyTwice(ask: (isFresh: boolean) => Promise<Principal>, revocations: Revocations): Promise<Verified> {
  const before = revocations.soFar;
  const principal = await ask(false);
  if (revocations.lastOf(principal) === 0) return { principal, revocationsBefore: before };
  const revocationsBefore = revocations.soFar;
  return { principal: await ask(true), revocationsBefore };
}

/** `203.0.113.7:50122` and `[2001:db8::1]:50122` without their ports. */
const addressOf = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/** Who is calling: by the Authorization header, or by the certificate that the client showed in its TLS handshake. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Verified, VerifiedKeys } from '../../adapters/access/verified-keys.ts';
import { clientCertificateOf } from '../../adapters/tls/client-certificate.ts';
import { access, type Principal } from '../../contracts/access.contract.ts';
import { type Caller, call, type Idempotency } from '../../contracts/contract.ts';
import { errorTypeOf, SkeinError } from '../../contracts/errors.ts';
import type { RequestRates } from './request-rates.ts';

/** Longer is neither a key nor a token that anybody needs, and need not be looked at. */
const CREDENTIAL_MAX_LENGTH = 8_192;

/** What this process has found good, and when it no longer is. */
type Known = Pick<VerifiedKeys<Verified>, 'get' | 'wasGood' | 'isBad'>;

/** Of the client, without its port. An IPv4 address is written as one, though the socket listens on IPv6. */
export const addressOf = ({ socket }: IncomingMessage): string => (socket.remoteAddress ?? '').replace(/^::ffff:/, '');

/**
 * Whoever sends an Authorization header is meant by that. Rejects with `unauthorized`, or with what kept it from finding out.
 *
 * @param verified what this process has found good already, which saves a call for most requests
 * @param rates of strangers: each is one until its credential was found good
 */
export function callerOf(
  caller: Caller,
  { headers, socket }: IncomingMessage,
  address: string,
  verified: Known,
  rates: Pick<RequestRates, 'stranger' | 'wasKnown'> | undefined,
): Principal | Promise<Principal> {
  const presented = { address };
  const certificate = headers.authorization === undefined ? clientCertificateOf(socket) : undefined;
  // One that is not good did not come so far: adapters/tls/https-server.ts.
  if (typeof certificate === 'object') return call(caller, access.verifyCertificate, { certificate, presented });
  const key = bearerKey(headers);
  const known = verified.get(key);
  if (known !== undefined) return known.principal;
  const check = () => call(caller, access.verify, { key, presented });
  // Whatever others send from the same address: who was let in before is no stranger.
  return verified.wasGood(key) ? checkedAgain(verified, key, check) : checked(rates, address, check);
}

/** Only once: a key that was revoked must not be looked for in the database as often as somebody likes. */
async function checkedAgain(verified: Known, key: string, check: () => Promise<Principal>): Promise<Principal> {
  try {
    return await check();
  } catch (error) {
    if (errorTypeOf(error) === 'unauthorized') verified.isBad(key);
    throw error;
  }
}

async function checked(
  rates: Pick<RequestRates, 'stranger' | 'wasKnown'> | undefined,
  address: string,
  check: () => Promise<Principal>,
): Promise<Principal> {
  await rates?.stranger(address);
  try {
    const principal = await check();
    rates?.wasKnown(address);
    return principal;
  } catch (error) {
    // What kept it from being found out is not the caller's doing.
    if (errorTypeOf(error) !== 'unauthorized') rates?.wasKnown(address);
    throw error;
  }
}

/** The API key or token. Rejects with `unauthorized`. RFC 6750, section 2.1. */
export function bearerKey({ authorization }: IncomingHttpHeaders): string {
  const [, key] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '') ?? [];
  if (key === undefined)
    throw new SkeinError('unauthorized', 'Send Authorization: Bearer with an API key or an access token');
  if (key.length > CREDENTIAL_MAX_LENGTH) throw new SkeinError('unauthorized', 'The key is not valid');
  return key;
}

/** The Idempotency-Key. Rejects with `invalid_request`. */
export function idempotencyOf(headers: IncomingHttpHeaders): Idempotency | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key))
    throw new SkeinError('invalid_request', 'Idempotency-Key must be 1 to 200 visible ASCII characters');
  return { key };
}

/** Who is calling, by the Authorization header. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Idempotency } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';

/** Longer is neither a key nor a token that anybody needs, and need not be looked at. */
const CREDENTIAL_MAX_LENGTH = 8_192;

/** Of the client, without its port. An IPv4 address is written as one, though the socket listens on IPv6. */
export const addressOf = ({ socket }: IncomingMessage): string => (socket.remoteAddress ?? '').replace(/^::ffff:/, '');

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

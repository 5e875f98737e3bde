/** Who is calling, by the Authorization header. */
import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Idempotency } from '../../contracts/contract.ts';
import { SkeinError } from '../../contracts/errors.ts';

/** Longer is no key of ours, and need not be looked at. */
const KEY_MAX_LENGTH = 256;

/** The API key. Rejects with `unauthorized`. RFC 6750, section 2.1. */
export function bearerKey({ authorization }: IncomingHttpHeaders): string {
  const [, key] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '') ?? [];
  if (key === undefined) throw new SkeinError('unauthorized', 'Send Authorization: Bearer with an API key');
  if (key.length > KEY_MAX_LENGTH) throw new SkeinError('unauthorized', 'The key is not valid');
  return key;
}

/** The Idempotency-Key, with what seals the answer that is kept for it. Rejects with `invalid_request`. */
export function idempotencyOf(headers: IncomingHttpHeaders, apiKey: string): Idempotency | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key))
    throw new SkeinError('invalid_request', 'Idempotency-Key must be 1 to 200 visible ASCII characters');
  return { key, seal: createHmac('sha256', apiKey).update(`idempotency ${key}`).digest('base64url') };
}

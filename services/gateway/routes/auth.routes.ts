import { auth, type PublicKeySet } from '../../../contracts/auth.contract.ts';
import { SkeinError } from '../../../contracts/errors.ts';
import { plain } from '../answers.ts';
import { type ApiRequest, type Endpoint, endpoint, type Reply } from '../endpoint.ts';
import { noQuery, nothing, objectOf, pathId } from '../readings.ts';

const body = { takesBody: true };

/** Tokens are in it. */
const secret = (content: unknown): Reply => ({ status: 200, headers: { 'Cache-Control': 'no-store' }, body: content });

/** A new key is told for longer than others keep this, before it signs. */
const keySet = (content: PublicKeySet): Reply => ({
  status: 200,
  headers: { 'Cache-Control': 'public, max-age=60' },
  body: content,
});

function fields(request: ApiRequest): Record<string, unknown> {
  noQuery(request);
  return objectOf(request.body ?? {});
}

/** What the client calls itself comes with its headers only. */
function credentials(request: ApiRequest): Record<string, unknown> {
  const given = fields(request);
  if ('userAgent' in given) throw new SkeinError('invalid_request', 'userAgent is not known here');
  const { 'user-agent': userAgent } = request.headers;
  return userAgent === undefined ? given : { ...given, userAgent };
}

export const authRoutes: readonly Endpoint[] = [
  endpoint('POST', '/auth/login', auth.login, credentials, secret, body),
  endpoint('POST', '/auth/token', auth.refresh, fields, secret, body),
  endpoint('POST', '/auth/refresh', auth.refresh, fields, secret, body),
  endpoint('POST', '/auth/logout', auth.logout, fields, plain, { takesBody: 'optional' }),
  endpoint('GET', '/auth/logins', auth.listLogins, nothing, plain),
  endpoint('DELETE', '/auth/logins/:id', auth.endLogin, pathId, plain),
  endpoint('GET', '/auth/me', auth.me, nothing, plain),
  endpoint('POST', '/auth/password', auth.changePassword, fields, plain, body),
  endpoint('POST', '/auth/totp', auth.beginTotp, fields, secret, body),
  endpoint('POST', '/auth/totp/confirm', auth.confirmTotp, fields, plain, body),
  endpoint('DELETE', '/auth/totp', auth.removeTotp, fields, plain, body),
  endpoint('GET', '/auth/jwks', auth.keys, nothing, keySet),
  endpoint('POST', '/auth/keys/rotate', auth.rotateKeys, fields, plain, { takesBody: 'optional' }),
];

/** Where others look for it: RFC 8615. */
export const wellKnownRoutes: readonly Endpoint[] = [
  endpoint('GET', '/.well-known/jwks.json', auth.keys, nothing, keySet),
];

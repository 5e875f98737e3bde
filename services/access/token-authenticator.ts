/**
 * Tokens that we signed: access tokens of people, and tokens of devices. The signature says that it was ours once; the database, whether it still is.
 */
import { issuerOf, payloadOf, TokenVerifier, type VerifiedClaims } from '../../adapters/access/json-web-tokens.ts';
import { PublicKeys } from '../../adapters/access/signing-keys-public.ts';
import type { Node } from '../node.ts';
import type { Authenticator, Verified } from './credential.ts';
import { type TokenName, tokenRows } from './token-rows.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function tokenAuthenticator({ config, database }: Pick<Node, 'config' | 'database'>): Authenticator {
  const issuer = issuerOf(config);
  const verifier = new TokenVerifier(new PublicKeys(database, config.limits), issuer, config.limits);
  const rows = tokenRows(database);
  return {
    recognises: text => payloadOf(text)?.iss === issuer,
    async check(text) {
      const type = verifier.typeOf(text);
      const claims = type && (await verifier.verify(text, type));
      if (claims === undefined) return undefined;
      const name: TokenName =
        type === 'access' ? { kind: 'login', id: String(claims.sid) } : { kind: 'device_token', id: claims.jti };
      const row = UUID.test(name.id) ? await rows.load(name) : undefined;
      if (row?.subject !== claims.sub || row.principal.tenant !== claims.tenant) return undefined;
      return until(row, claims);
    },
  };
}

function until({ principal, owners }: Omit<Verified, 'expiresAtMs'>, { exp }: VerifiedClaims): Verified {
  const expiresAtMs = exp * 1000;
  return { principal: { ...principal, expiresAtMs }, owners, expiresAtMs };
}

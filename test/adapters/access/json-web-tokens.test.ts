/** What the verifier refuses by itself, whoever asks it. Tokens over REST: test/services/auth-tokens.test.ts. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { TokenSigner, type TokenType, TokenVerifier } from '../../../adapters/access/json-web-tokens.ts';
import type { SigningKeys } from '../../../adapters/access/signing-keys.ts';
import type { PublicKeys } from '../../../adapters/access/signing-keys-public.ts';
import { LIMITS } from '../../../contracts/limits.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keys = { forToken: async () => ({ kid: 'k', privateKey }) } as unknown as SigningKeys;
const known = { find: async (kid: string) => (kid === 'k' ? publicKey : undefined) } as unknown as PublicKeys;

const sign = (typ: TokenType, issuer = 'here') =>
  new TokenSigner(keys, issuer).sign({ jti: 'j', tenant: 't' }, { typ, subject: 's', ttlSeconds: 60 });
const verifier = new TokenVerifier(known, 'here', LIMITS);

test('a token is good as what it is, and not as another type', async () => {
  for (const [typ, other] of [
    ['access', 'device'],
    ['device', 'access'],
  ] as const) {
    const token = await sign(typ);
    assert.equal(verifier.typeOf(token), typ);
    assert.equal((await verifier.verify(token, typ))?.sub, 's');
    assert.equal(await verifier.verify(token, other), undefined);
  }
});

test('a token of another issuer with the same key is refused', async () => {
  assert.equal(await verifier.verify(await sign('access', 'elsewhere'), 'access'), undefined);
});

test('what is no token is of no type', () => {
  for (const text of ['', 'a', 'a.b', 'a.b.c', '..', `${'a'.repeat(8_200)}.b.c`])
    assert.equal(verifier.typeOf(text), undefined);
});

import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { hashPassword, isOldHash, limitPasswords, passwordMatches } from '../../../adapters/access/passwords.ts';
import { LIMITS } from '../../../contracts/limits.ts';

afterEach(() => limitPasswords(LIMITS));

test('a password is known by its hash, and each hash has its own salt', async () => {
  const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
  assert.match(one, /^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two);
  assert.equal(await passwordMatches('correct horse', one), true);
  assert.equal(await passwordMatches('correct horsf', one), false);
  assert.equal(isOldHash(one), false);
});

test('the hash is scrypt of RFC 7914, so that other programs know it too', async () => {
  const hash = await hashPassword('correct horse');
  const [salt, digest] = hash.split('$').slice(3) as [string, string];
  const bytes = scryptSync('correct horse', Buffer.from(salt, 'base64'), 32, {
    N: 2 ** 15,
    r: 8,
    p: 3,
    maxmem: 2 ** 27,
  });
  assert.equal(bytes.toString('base64').replace(/=+$/, ''), digest);
});

test('the same character is the same password, however it was typed', async () => {
  const hash = await hashPassword('caf\u00e9 au lait, twice');
  assert.equal(await passwordMatches('cafe\u0301 au lait, twice', hash), true);
});

test('without a hash, or with one that is none, nothing matches', async () => {
  const hostile = '$scrypt$ln=63,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  for (const stored of [null, '', 'correct horse', '$scrypt$', hostile])
    assert.equal(await passwordMatches('correct horse', stored), false);
});

test('a hash with other parameters is checked with those, and known as old', async () => {
  const salt = Buffer.alloc(16, 1);
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  const old = `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(scryptSync('correct horse', salt, 32, { N: 1024, r: 8, p: 1 }))}`;
  assert.equal(await passwordMatches('correct horse', old), true);
  assert.equal(isOldHash(old), true);
});

test('beyond the places for hashes the answer is overloaded, and places come back', async () => {
  limitPasswords({ passwordHashesUnderWay: 1, passwordHashesWaiting: 2 });
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => passwordMatches('x', null)));
  const refused = all.filter(it => it.status === 'rejected').map(it => it.reason.type);
  assert.deepEqual(refused, ['overloaded', 'overloaded']);
  assert.equal(await passwordMatches('x', null), false);
});

test('one of them takes at most half of the places, so that there are some for the others', async () => {
  limitPasswords({ passwordHashesUnderWay: 1, passwordHashesWaiting: 3 });
  const greedy = Array.from({ length: 4 }, () => passwordMatches('x', null, 'address 192.0.2.1'));
  const other = passwordMatches('x', null, 'address 192.0.2.2');
  const all = await Promise.allSettled([...greedy, hashPassword('x', 'tenant 1'), other]);
  assert.deepEqual(
    all.map(it => (it.status === 'rejected' ? it.reason.type : 'done')),
    ['done', 'done', 'overloaded', 'overloaded', 'done', 'done'],
  );
  assert.equal(await passwordMatches('x', null, 'address 192.0.2.1'), false);
});

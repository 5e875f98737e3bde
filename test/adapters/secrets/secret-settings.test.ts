/** Settings about keys: what contradicts itself is told, and nothing of a key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../../../config.ts';

const KEY = 'ab'.repeat(32);
function problems(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.ok(!error.message.includes(KEY.slice(0, 10)));
    return error.problems.join('\n');
  }
  return '';
}

test('a key is 32 bytes in hexadecimal or base64, and is not shown when it is not', () => {
  for (const key of [
    KEY,
    KEY.toUpperCase(),
    Buffer.alloc(32, 7).toString('base64'),
    Buffer.alloc(32, 255).toString('base64url'),
  ])
    assert.equal(readConfig({ SKEIN_SECRET_KEY: key }).secretKey?.length, 32);
  for (const name of ['SKEIN_SECRET_KEY', 'SKEIN_SECRET_KEY_PREVIOUS'])
    for (const key of [KEY.slice(1), `${KEY}00`, 'a word'])
      assert.match(
        problems({ SKEIN_SECRET_KEY: KEY, [name]: key }),
        new RegExp(`^${name} is not shown here, but must be 32 bytes`),
      );
});

test('a key and a file with the key, and a previous key without a current one, are refused', () => {
  assert.match(
    problems({ SKEIN_SECRET_KEY: KEY, SKEIN_SECRET_KEY_FILE: 'f' }),
    /SKEIN_SECRET_KEY and SKEIN_SECRET_KEY_FILE are both set/,
  );
  const both = { SKEIN_SECRET_KEY: KEY, SKEIN_SECRET_KEY_PREVIOUS: KEY, SKEIN_SECRET_KEY_PREVIOUS_FILE: 'f' };
  assert.match(problems(both), /SKEIN_SECRET_KEY_PREVIOUS and SKEIN_SECRET_KEY_PREVIOUS_FILE are both set/);
  for (const [name, value] of [
    ['SKEIN_SECRET_KEY_PREVIOUS', KEY],
    ['SKEIN_SECRET_KEY_PREVIOUS_FILE', 'f'],
  ] as const)
    assert.match(problems({ [name]: value }), /not the one that replaces it/);
  assert.equal(problems({ SKEIN_SECRET_KEY_FILE: 'f', SKEIN_SECRET_KEY_PREVIOUS_FILE: 'g' }), '');
});

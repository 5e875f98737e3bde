import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import jwt from 'jsonwebtoken';
import { newKey } from '../../adapters/access/keys.ts';
import { newLog } from '../../adapters/system/logs.ts';
import { SecretWatch } from './secret-watch.ts';
import { startServerProcess } from './server-process.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const SECRETS = {
  'a key of a device': newKey('device').text,
  'a key of an application': newKey('application').text,
  'a refresh token': `skr_${randomUUID()}_3_${randomBytes(32).toString('base64url')}`,
  'a token': jwt.sign({ a: 1 }, 'x'),
  'a private key': PEM,
  'a key in base64': base64(newKey('device').text),
  'a key behind a user in base64': base64(`:${newKey('application').text}`),
  'a key behind another user in base64': base64(`d:${newKey('device').text}`),
};

for (const [what, secret] of Object.entries(SECRETS)) {
  test(`${what} in the output of a server is found, also when it comes in two pieces, and is not told again`, () => {
    const line = JSON.stringify({ level: 50, msg: `the credential was ${secret}` });
    for (const cut of [0, line.indexOf(secret.slice(0, 20)) + 30]) {
      const watch = new SecretWatch();
      watch.see(line.slice(0, cut));
      watch.see(line.slice(cut));
      assert.throws(
        () => watch.check(),
        (error: Error) => !error.message.includes(secret.slice(-30)),
      );
    }
  });
}

test('what a server writes is let through otherwise', () => {
  const watch = new SecretWatch();
  watch.see(
    `{"msg":"a key ska_8fK0aBcDeF12 was revoked","id":"${randomUUID()}","hash":"${randomBytes(40).toString('hex')}"}`,
  );
  watch.see("  The administrator's key is in /tmp/x/admin.token");
  assert.doesNotThrow(() => watch.check());
});

test('a process that writes a key is found out', async () => {
  const watch = new SecretWatch();
  const script = `console.error('{"msg":"${newKey('device').text}"}'); console.log('ready'); setInterval(() => {}, 1000)`;
  const server = await startServerProcess({
    nodeArguments: ['-e', script],
    env: {},
    readyWhen: output => {
      watch.see(output);
      return output.includes('ready') ? true : undefined;
    },
    readyTimeoutMs: 20_000,
  });
  await server.stop();
  assert.throws(() => watch.check(), /a key or a refresh token/);
});

test('our log blanks each of them, wherever it stands, and telling fields with whatever is in them', () => {
  const lines: string[] = [];
  const log = newLog('trace', {}, { write: line => lines.push(line) });
  for (const secret of Object.values(SECRETS).slice(0, 5)) {
    log.info(`it was ${secret}`);
    log.child({ mod: secret }).warn({ deep: { er: [secret] } }, 'x');
    log.error(new Error(`not ${secret}`, { cause: new Error(secret) }));
    log.error({ err: Object.assign(new Error('wrong'), { data: [{ actual: secret }] }) });
  }
  log.info({ password: 'open sesame', user: { refreshToken: 'open sesame', deep: { totp: 'open sesame' } } });
  log.warn('could not reach postgres://skein:open%20sesame@127.0.0.1:5432/x or Bearer open-sesame-key');
  log.error({ err: Object.assign(new Error('wrong'), { data: [{ actual: 'open sesame' }] }) });
  const watch = new SecretWatch();
  watch.see(lines.join(''));
  watch.check();
  assert.doesNotMatch(lines.join(''), /open.{1,3}sesame/);
  assert.match(lines.at(-2)!, /postgres:\/\/skein:\[secret\]@127\.0\.0\.1/);
  assert.match(lines.at(-1)!, /"message":"wrong","stack"/);
  assert.ok(lines.every(line => JSON.parse(line).level > 0));
});

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, createServer, type SecureVersion } from 'node:tls';
import { issueWithKey } from '../../../adapters/certificates/issuing.ts';
import { clientCertificateOf } from '../../../adapters/tls/client-certificate.ts';
import { ServerIdentity } from '../../../adapters/tls/server-identity.ts';
import { OwnKeys } from '../../../adapters/tls/server-keys.ts';
import { startTlsWorld, type TlsWorld } from './tls-world.ts';

const DAY_MS = 86_400_000;
let world: TlsWorld;
before(async () => {
  world = await startTlsWorld();
});
after(() => world?.stop());

/** A server that notes who was there, and says a word. */
async function serve(t: TestContext) {
  const identity = new ServerIdentity(new OwnKeys(world.authorities(), ['localhost']), world.authorities(), world.log);
  await identity.start();
  const seen: { isResumed: boolean; who: ReturnType<typeof clientCertificateOf> }[] = [];
  const server = createServer(identity.options, socket => {
    seen.push({ isResumed: socket.isSessionReused(), who: clientCertificateOf(socket) });
    socket.on('error', () => {});
    socket.end('welcome');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    await new Promise(resolve => server.close(resolve));
    await identity.stop();
  });
  const ca = (await world.authorities().trusted()).map(it => it.pem);
  const { port } = server.address() as AddressInfo;
  return { seen, options: { host: '127.0.0.1', servername: 'localhost', port, ca } };
}

/** Connects, and answers with the session that it could go on with. */
const visit = (options: ConnectionOptions): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    let session: Buffer | undefined;
    const socket = connect(options);
    socket.on('session', it => {
      session = it;
    });
    socket.resume();
    socket.once('error', reject);
    socket.once('close', () => resolve(session));
  });

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] satisfies SecureVersion[])
  for (const [which, daysAgo, expected] of [
    ['good', 0, 'press-4'],
    ['expired', 10, 'invalid'],
  ] as const)
    test(`with ${maxVersion} a session that goes on shows the same ${which} certificate`, async t => {
      const { seen, options } = await serve(t);
      const authority = await world.authorities().signing();
      const validity = { days: 5, nowMs: Date.now() - daysAgo * DAY_MS };
      const issued = await issueWithKey(authority, { tenant: 'default', device: 'press-4' }, validity);
      const shown = { ...options, maxVersion, cert: issued.pem, key: issued.privateKeyPem };
      const session = await visit(shown);
      await visit({ ...shown, session });
      assert.deepEqual(
        seen.map(it => it.isResumed),
        [false, true],
      );
      for (const { who } of seen) assert.equal(typeof who === 'object' ? who.commonName : who, expected);
    });

test('who shows none is nobody, and no invalid one', async t => {
  const { seen, options } = await serve(t);
  await visit(options);
  assert.deepEqual(
    seen.map(it => it.who),
    [undefined],
  );
});

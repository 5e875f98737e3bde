import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { issueForServer, issueWithKey } from '../../../adapters/certificates/issuing.ts';
import { ServerIdentity } from '../../../adapters/tls/server-identity.ts';
import { KeyFiles, OwnKeys, type ServerKeys } from '../../../adapters/tls/server-keys.ts';
import { handshake, startTlsWorld, type TlsWorld } from './tls-world.ts';

const DAY_MS = 86_400_000;
let world: TlsWorld;
before(async () => {
  world = await startTlsWorld();
});
after(() => world?.stop());

async function serve(t: TestContext, keys: ServerKeys) {
  const identity = new ServerIdentity(keys, world.authorities(), world.log);
  await identity.start();
  const server = createServer(identity.options, socket => socket.end());
  identity.keepsCurrent(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    await new Promise(resolve => server.close(resolve));
    await identity.stop();
  });
  const ca = (await world.authorities().trusted()).map(it => it.pem);
  return { identity, port: (server.address() as AddressInfo).port, ca };
}

test('its own certificate is for its names, and clients that trust the authority take it', async t => {
  const { port, ca } = await serve(t, new OwnKeys(world.authorities(), ['localhost', '127.0.0.1', '::1']));
  const { subjectaltname } = await handshake(port, { ca });
  assert.match(subjectaltname!, /DNS:localhost.*IP Address:127\.0\.0\.1/);
  await assert.rejects(handshake(port, { ca, servername: 'other.example.org' }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  await assert.rejects(handshake(port, {}), /unable to verify|self.signed/);
});

test('nothing older than TLS 1.2 is spoken', async t => {
  const { port, ca } = await serve(t, new OwnKeys(world.authorities(), ['localhost']));
  const old = { ca, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await assert.rejects(handshake(port, old), /version|EPROTO/i);
  await handshake(port, { ca, maxVersion: 'TLSv1.2' });
});

test('its own certificate is renewed before its end, without a restart', async t => {
  let nowMs = Date.now();
  const { identity, port, ca } = await serve(t, new OwnKeys(world.authorities(), ['localhost'], () => nowMs));
  const { serialNumber } = await handshake(port, { ca });
  await identity.look();
  assert.equal((await handshake(port, { ca })).serialNumber, serialNumber);
  nowMs += 61 * DAY_MS;
  await identity.look();
  // It is not good yet by the clock of this machine, which went on less.
  const renewed = await handshake(port, { ca, rejectUnauthorized: false });
  assert.notEqual(renewed.serialNumber, serialNumber);
});

async function files(name: string) {
  const authority = await world.authorities().signing();
  const issued = await issueForServer(authority, ['localhost'], { days: 5, nowMs: Date.now() });
  const paths = [join(world.dataDir, `${name}.crt`), join(world.dataDir, `${name}.key`)] as const;
  const write = async (it = issued) => {
    await writeFile(paths[0], it.pem);
    await writeFile(paths[1], it.privateKeyPem);
  };
  return { authority, issued, paths, write };
}

test('files that change are in use without a restart', async t => {
  const { authority, issued, paths, write } = await files('changing');
  await write();
  const { identity, port, ca } = await serve(t, new KeyFiles(...paths, world.authorities()));
  assert.equal((await handshake(port, { ca })).serialNumber, issued.serialNumber);
  const next = await issueForServer(authority, ['localhost'], { days: 6, nowMs: Date.now() });
  await write(next);
  await identity.look();
  assert.equal((await handshake(port, { ca })).serialNumber, next.serialNumber);
});

test('files that cannot be used change nothing, and somebody is told', async t => {
  const { authority, issued, paths, write } = await files('broken');
  await write();
  const { identity, port, ca } = await serve(t, new KeyFiles(...paths, world.authorities()));
  const another = await issueForServer(authority, ['localhost'], { days: 6, nowMs: Date.now() });
  for (const broken of ['', another.privateKeyPem]) {
    world.logged.length = 0;
    await writeFile(paths[1], broken);
    await identity.look();
    assert.equal((await handshake(port, { ca })).serialNumber, issued.serialNumber);
    assert.match(world.logged.join(), /could not renew the certificate/);
    assert.doesNotMatch(world.logged.join(), /PRIVATE KEY/);
  }
});

test('a key that does not belong to its certificate keeps it from starting', async () => {
  const { authority, paths, write, issued } = await files('foreign');
  const another = await issueForServer(authority, ['localhost'], { days: 6, nowMs: Date.now() });
  await write({ ...issued, privateKeyPem: another.privateKeyPem });
  const identity = new ServerIdentity(new KeyFiles(...paths, world.authorities()), world.authorities(), world.log);
  await assert.rejects(identity.start(), /key does not belong/);
  await identity.stop();
});

test('a client of an authority that another process made later is known without a restart', async t => {
  const identity = new ServerIdentity(
    new OwnKeys(world.authorities(), ['localhost']),
    // It has no memory, so that the test has nothing to wait for.
    { trusted: () => world.authorities().trusted() } as never,
    world.log,
  );
  await identity.start();
  const shown: boolean[] = [];
  const server = createServer(identity.options, socket => {
    shown.push(socket.authorized);
    socket.end();
  });
  identity.keepsCurrent(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    await new Promise(resolve => server.close(resolve));
    await identity.stop();
  });
  const { port } = server.address() as AddressInfo;
  const ca = (await world.authorities().trusted()).map(it => it.pem);
  const years = Date.now() + 6 * 365 * DAY_MS;
  const later = await world.authorities(() => years).signing();
  // As if it had been made today: its own times are years ahead.
  const device = await issueWithKey(later, { tenant: 'default', device: 'press-4' }, { days: 5, nowMs: years });
  const options = { ca, cert: device.pem, key: device.privateKeyPem };
  await handshake(port, options);
  await identity.look();
  assert.equal(identity.options.ca?.length, 2);
  assert.deepEqual(shown, [false]);
});

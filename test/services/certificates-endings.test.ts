/** What of a device no longer works gives it nothing new: neither by a node that has not heard of it, nor by what TLS remembers. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { newRequest } from '../adapters/certificates/requests.ts';
import { type CertificatesNode, type Shown, startCertificatesNode } from './certificates-node.ts';

let node: CertificatesNode;
before(async () => {
  node = await startCertificatesNode({ SKEIN_LIMIT_CLIENT_BURST_CONNECTS: '1000' });
});
after(() => node?.stop());

const sql = (text: string, params: unknown[] = []) => node.database.query<Record<string, unknown>>(text, params);
const device = async (id: string) => {
  const apiKey = await node.register(id);
  return { id, apiKey, ...(await node.issue(id)) };
};
const countOf = async (table: string, id: string) => {
  const [row] = await sql(
    `SELECT count(*)::int AS count FROM ${table} JOIN device USING (device_uid) WHERE device_id = $1`,
    [id],
  );
  return row!.count;
};

test('a certificate that was revoked renews nothing, by a node that has not heard of it', async () => {
  const it = await device('untold-1');
  const { csr } = await newRequest(it.id);
  assert.equal((await node.askOverTls(`GET /api/v1/devices/${it.id}`, it)).status, 200);
  // As another node does it, whose message did not come yet: here it is remembered as one that is good.
  await sql('UPDATE certificate SET revoked_at = now() WHERE serial_number = $1', [it.certificate.serialNumber]);
  assert.equal((await node.askOverTls(`GET /api/v1/devices/${it.id}`, it)).status, 200);
  const asked = await node.askOverTls(`POST /api/v1/devices/${it.id}/certificates/renew`, it, { body: { csr } });
  assert.deepEqual([asked.status, asked.body.type], [401, 'unauthorized']);
  assert.equal(await countOf('certificate', it.id), 1);
});

for (const kind of ['device_key', 'device_token'] as const)
  test(`a ${kind} that was revoked gives the device nothing new, by a node that has not heard of it`, async () => {
    const id = `untold-${kind}`;
    const { body } = await node.ask('POST /api/v1/devices', { body: { id } });
    const key = kind === 'device_key' ? body.credentials.apiKey : body.credentials.token;
    const { csr } = await newRequest(id);
    assert.equal((await node.ask(`GET /api/v1/devices/${id}`, { key })).status, 200);
    await sql(
      `UPDATE ${kind} SET revoked_at = now() FROM device d WHERE d.device_uid = ${kind}.device_uid AND device_id = $1`,
      [id],
    );
    assert.equal((await node.ask(`GET /api/v1/devices/${id}`, { key })).status, 200);
    for (const [path, sent] of [
      ['certificates/renew', { csr }],
      ['keys/rotate', {}],
      ['tokens', {}],
    ] as const) {
      const asked = await node.ask(`POST /api/v1/devices/${id}/${path}`, { key, body: sent });
      assert.deepEqual([asked.status, asked.body.type], [401, 'unauthorized'], path);
    }
    const counts = await Promise.all(['certificate', 'device_key', 'device_token'].map(it => countOf(it, id)));
    assert.deepEqual(counts, [0, 1, 1]);
  });

test('a suspended device renews nothing over the connection that it still has', async () => {
  const it = await device('halted-1');
  const client = await node.connect(it);
  await client.subscribeAsync(`devices/${it.id}/certificates/renewed`, { qos: 1 });
  const { csr } = await newRequest(it.id);
  await sql(`UPDATE device SET state = 'suspended' WHERE device_id = $1`, [it.id]);
  const answer = new Promise<string>(resolve => client.once('message', (_, payload) => resolve(payload.toString())));
  await client.publishAsync(`devices/${it.id}/certificates/renew`, csr, { qos: 1 });
  assert.equal(JSON.parse(await answer).error?.type, 'unauthorized');
  assert.equal(await countOf('certificate', it.id), 1);
});

const handshake = async (port: number, options: ConnectionOptions) => {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: node.ca, ...options });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return socket;
};
/** A GET over this connection, and how it was answered. */
const statusOver = (socket: TLSSocket, path: string): Promise<number> =>
  new Promise((resolve, reject) =>
    request({ createConnection: () => socket, path, headers: { host: 'localhost' } }, response => {
      response.resume();
      response.once('end', () => resolve(response.statusCode!));
    })
      .once('error', reject)
      .end(),
  );

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`a session of ${version} that goes on lets nobody in whose certificate was revoked since`, async () => {
    const id = `resumed-${version.slice(-1)}`;
    const { cert, key, certificate } = await device(id);
    const only = { minVersion: version, maxVersion: version };
    const first = await handshake(node.httpsPort, { cert, key, ...only });
    let session: Buffer | undefined;
    first.on('session', it => {
      session = it;
    });
    assert.equal(await statusOver(first, `/api/v1/devices/${id}`), 200);
    session ??= first.getSession();
    const again = await handshake(node.httpsPort, { session, ...only });
    assert.ok(again.isSessionReused());
    assert.equal(await statusOver(again, `/api/v1/devices/${id}`), 200);
    await node.ask(`POST /api/v1/certificates/${certificate.serialNumber}/revoke`);
    const late = await handshake(node.httpsPort, { session, ...only });
    assert.ok(late.isSessionReused());
    assert.equal(await statusOver(late, `/api/v1/devices/${id}`), 401);
  });

test('nobody shows another certificate on a connection that is open: there is no renegotiation', async () => {
  const shown: Shown = await device('again-1');
  for (const port of [node.httpsPort, node.mqttsPort]) {
    const { cert, key } = shown;
    const socket = await handshake(port, { cert, key, maxVersion: 'TLSv1.2' });
    const how = await new Promise<string>(resolve => {
      socket.once('error', () => resolve('refused'));
      socket.once('close', () => resolve('refused'));
      socket.renegotiate({}, error => resolve(error ? 'refused' : 'renegotiated'));
    });
    socket.destroy();
    assert.equal(how, 'refused');
  }
});

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { HttpConnection, requestBytes } from '../../../bench/load/http-connection.ts';

async function connectTo(t: TestContext, listener: RequestListener): Promise<HttpConnection> {
  const server = createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const connection = await HttpConnection.open((server.address() as AddressInfo).port);
  t.after(() => {
    connection.close();
    server.closeAllConnections();
    return new Promise(resolve => server.close(resolve));
  });
  return connection;
}

test('requests on one connection are what a server reads, and each gets its own answer', async t => {
  const sockets = new Set<unknown>();
  const connection = await connectTo(t, (request, response) => {
    sockets.add(request.socket);
    let body = '';
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      const text = JSON.stringify({ method, url, key: headers.authorization, body });
      response.writeHead(body === '' ? 404 : 200, { 'Content-Length': Buffer.byteLength(text) }).end(text);
    });
  });
  const posted = await connection.ask(requestBytes('POST', '/things?wait=1', { Authorization: 'Bearer k' }, '{"ü":1}'));
  const got = await connection.ask(requestBytes('GET', '/things', {}, ''));
  assert.equal(posted.status, 200);
  assert.deepEqual(JSON.parse(posted.body), {
    method: 'POST',
    url: '/things?wait=1',
    key: 'Bearer k',
    body: '{"ü":1}',
  });
  assert.equal(got.status, 404);
  assert.deepEqual(JSON.parse(got.body), { method: 'GET', url: '/things', body: '' });
  assert.equal(sockets.size, 1);
});

test('an answer that comes in pieces is put together, with its length said or in chunks', async t => {
  const text = 'ä'.repeat(1_000);
  const connection = await connectTo(t, async (request, response) => {
    if (request.url === '/length') response.setHeader('Content-Length', Buffer.byteLength(text));
    // An odd number of bytes: a letter is cut in two.
    const bytes = Buffer.from(text);
    response.write(bytes.subarray(0, 777));
    await new Promise(setImmediate);
    response.end(bytes.subarray(777));
  });
  for (const path of ['/length', '/chunks'])
    assert.deepEqual(await connection.ask(requestBytes('GET', path, {}, '')), { status: 200, body: text });
});

test('a request whose connection ends is told so, and so is every later one', async t => {
  const connection = await connectTo(t, request => request.socket.destroy());
  const request = requestBytes('GET', '/', {}, '');
  await assert.rejects(connection.ask(request));
  await assert.rejects(connection.ask(request));
});

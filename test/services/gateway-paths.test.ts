import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { type GatewayNode, startGatewayNode } from './gateway-node.ts';

let node: GatewayNode;
before(async () => {
  node = await startGatewayNode();
});
after(() => node?.stop());

/** As it is: `fetch` would tidy the path up. */
const statusOf = (path: string, method = 'GET', more: Record<string, string> = {}) =>
  new Promise<number>((resolve, reject) => {
    const headers = { authorization: `Bearer ${node.adminKey}`, ...more };
    const sent = request(node.url, { method, path, headers }, answer => {
      answer.resume().on('end', () => resolve(answer.statusCode!));
    });
    sent.on('error', reject).end();
  });

test('a path that is written in another way is another path, or none', async () => {
  for (const path of ['//metrics', '/api//v1/metrics', '/api/v1/./metrics', '/api/v1/x/../metrics', '/API/v1/metrics'])
    assert.equal(await statusOf(path), 404, path);
  for (const path of ['/metrics;a=b', '/metrics.', '/metrics%20', '/metrics%2f', '/%2e%2e/metrics', '/metrics/x'])
    assert.equal(await statusOf(path), 404, path);
  for (const path of ['/metrics/', '/%6detrics', '/api/v1/metrics?']) assert.equal(await statusOf(path), 200, path);
  for (const path of ['/api/v1/devices/%', '/api/v1/devices/%ff']) assert.equal(await statusOf(path), 400, path);
});

test('a part of a path that is longer than any is not there, whatever the method', async () => {
  const long = `/api/v1/devices/${'x'.repeat(9_000)}`;
  assert.equal(await statusOf(long), 404);
  assert.equal(await statusOf(long, 'PATCH'), 404);
  assert.equal(await statusOf(long, 'PUT'), 405);
});

test('who offers to speak HTTP/2 as well gets its answer; who asks for a WebSocket is left to those who have some', async () => {
  const taken: string[] = [];
  node.http.on('upgrade', ({ headers }, socket: Duplex) => {
    taken.push(String(headers.upgrade));
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
  });
  const asking = (upgrade: string) => statusOf('/health/live', 'GET', { connection: 'Upgrade', upgrade });
  assert.equal(await asking('h2c'), 200);
  assert.equal(await asking('WebSocket'), 404);
  assert.deepEqual(taken, ['WebSocket']);
});

/** The gateway and those who know keys, on a real database and a real HTTP server; the other services are what a test adds. */

import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ServiceBroker, type ServiceSchema } from 'moleculer';
import pino from 'pino';
import { type Verified, VerifiedKeys } from '../../adapters/access/verified-keys.ts';
import { openBlobStore } from '../../adapters/blobs/open-blob-store.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { readConfig } from '../../config.ts';
import { access, type Revocation } from '../../contracts/access.contract.ts';
import { guard } from '../../mixins/access-control.ts';
import { accessService } from '../../services/access.service.ts';
import { gatewayService } from '../../services/gateway.service.ts';
import { metricsService } from '../../services/metrics.service.ts';
import { newDataDir } from '../support/data-dir.ts';

/** When it rejects nothing stays open. */
export async function startGatewayNode(env: Record<string, string> = {}, services: ServiceSchema[] = []) {
  const opened = new AsyncDisposableStack();
  try {
    return await start(env, services, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** @param opened what is to be closed, the last one first */
async function start(env: Record<string, string>, services: ServiceSchema[], opened: AsyncDisposableStack) {
  const dataDir = await newDataDir('skein-gateway-');
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  const config = readConfig({ SKEIN_DATA_DIR: dataDir, SKEIN_NODE_ID: 'gateway-node', ...env });
  const database = await openDatabase({ ...config, onFatal: () => {} });
  opened.defer(() => database.close());
  const http = createServer();
  const verified = new VerifiedKeys<Verified>(100, 30);
  const blobs = await openBlobStore(config);
  opened.defer(() => blobs.close());
  const node = { config, database, blobs, http, log: pino({ level: 'silent' }) };
  const broker = new ServiceBroker({ nodeID: config.nodeId, logger: false });
  opened.defer(() => broker.stop());
  guard(broker, database);
  for (const service of [
    accessService(node, verified),
    metricsService(node),
    gatewayService(node, verified),
    ...services,
  ])
    broker.createService(service);
  await broker.start();
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  opened.defer(async () => {
    http.closeAllConnections();
    await new Promise(resolve => http.close(resolve));
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const adminKey = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
  return {
    url,
    adminKey,
    database,
    http,
    /** Asks with a key; null: without. */
    get: (path: string, key: string | null = adminKey) =>
      fetch(url + path, { headers: key === null ? {} : { authorization: `Bearer ${key}` } }),
    /** Told to all services, as whoever revokes does it. */
    revoked: (it: Revocation) => broker.broadcastLocal(access.revoked.name, it),
    stop: () => opened.disposeAsync(),
  };
}

export type GatewayNode = Awaited<ReturnType<typeof startGatewayNode>>;

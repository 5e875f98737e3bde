/** The gateway and those who know keys, on a real database and a real HTTP server; the other services are what a test adds. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBroker, type ServiceSchema } from 'moleculer';
import pino from 'pino';
import { type Verified, VerifiedKeys } from '../../adapters/access/verified-keys.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { readConfig } from '../../config.ts';
import { access, type Revocation } from '../../contracts/access.contract.ts';
import { guard } from '../../mixins/access-control.ts';
import { accessService } from '../../services/access.service.ts';
import { gatewayService } from '../../services/gateway.service.ts';
import { metricsService } from '../../services/metrics.service.ts';

export async function startGatewayNode(env: Record<string, string> = {}, services: ServiceSchema[] = []) {
  const dataDir = await mkdtemp(join(tmpdir(), 'skein-gateway-'));
  const config = readConfig({ SKEIN_DATA_DIR: dataDir, SKEIN_NODE_ID: 'gateway-node', ...env });
  const database = await openDatabase({ ...config, onFatal: () => {} });
  const http = createServer();
  const verified = new VerifiedKeys<Verified>(100, 30);
  const node = { config, database, http, log: pino({ level: 'silent' }) };
  const broker = new ServiceBroker({ nodeID: config.nodeId, logger: false });
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
    async stop() {
      http.closeAllConnections();
      await new Promise(resolve => http.close(resolve));
      await broker.stop();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export type GatewayNode = Awaited<ReturnType<typeof startGatewayNode>>;

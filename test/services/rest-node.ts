/** The services behind REST, on a real broker, a real database and a real HTTP server; without MQTT. */

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBroker } from 'moleculer';
import pino, { type Logger } from 'pino';
import { newKey } from '../../adapters/access/keys.ts';
import { openBlobStore } from '../../adapters/blobs/open-blob-store.ts';
import type { Database } from '../../adapters/database/database.ts';
import { openStandalone } from '../../adapters/database/node-sessions.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { type Archive, openArchive } from '../../adapters/database/telemetry/archive.ts';
import { openSealer } from '../../adapters/secrets/sealer.ts';
import { type Config, readConfig } from '../../config.ts';
import type { ArchivedReadings } from '../../contracts/archive.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { Sealer } from '../../contracts/sealing.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { guard } from '../../mixins/access-control.ts';
import { accessService } from '../../services/access.service.ts';
import { actorsService } from '../../services/actors.service.ts';
import { authService } from '../../services/auth.service.ts';
import { clusterService } from '../../services/cluster.service.ts';
import { deadLettersService } from '../../services/dead-letters.service.ts';
import { devicesService } from '../../services/devices.service.ts';
import { gatewayService } from '../../services/gateway.service.ts';
import { healthService } from '../../services/health.service.ts';
import { makeRuntime } from '../../services/runtime.ts';
import { telemetryService } from '../../services/telemetry.service.ts';
import { twinsService } from '../../services/twins.service.ts';
import { newDataDir } from '../support/data-dir.ts';
import { startPostgres } from '../support/postgres.ts';

export type RestNode = {
  readonly url: string;
  readonly adminKey: string;
  readonly config: Config;
  readonly database: Database;
  readonly archive: Archive;
  readonly blobs: BlobStore;
  readonly broker: ServiceBroker;
  readonly http: Server;
  readonly sealer: Sealer;
  readonly log: Logger;
  /** What was logged, as JSON lines. */
  readonly logged: string[];
  stop(): Promise<void>;
};

export const ENGINES = ['pglite', 'postgres'] as const;
export type RestNodeOptions = {
  /** Absent: PGlite. */
  readonly engine?: (typeof ENGINES)[number];
  readonly env?: Readonly<Record<string, string>>;
  /** Something between the services and the router. */
  readonly ingress?: (real: Ingress) => Ingress;
  /** In the place of what the node has archived. */
  readonly archived?: ArchivedReadings;
};

/** When it rejects nothing stays open: else the test file would hang until its time is over, and hide why. */
export async function startRestNode(options: RestNodeOptions = {}): Promise<RestNode> {
  const opened = new AsyncDisposableStack();
  try {
    return await start(options, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** @param opened what is to be closed, the last one first */
async function start(
  { engine, env, ingress, archived }: RestNodeOptions,
  opened: AsyncDisposableStack,
): Promise<RestNode> {
  const server = engine === 'postgres' ? await startPostgres({ fsync: false, withSchema: true }) : undefined;
  opened.defer(() => server?.stop());
  const dataDir = await (server === undefined ? newDataDir('skein-rest-') : mkdtemp(join(tmpdir(), 'skein-rest-')));
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  const services = 'access,devices,actors,telemetry,twins,dead-letters,health,gateway';
  const config = readConfig({
    SKEIN_DATA_DIR: dataDir,
    SKEIN_NODE_ID: 'rest-test',
    SKEIN_SERVICES: services,
    DATABASE_URL: server?.url,
    ...env,
  });
  const database = await openDatabase(config);
  opened.defer(() => database.close());
  const logged: string[] = [];
  const log: Logger = pino({ level: 'info' }, { write: line => logged.push(line) });
  const http = createServer({ maxHeaderSize: config.limits.headersMaxBytes });
  const broker = new ServiceBroker({ nodeID: config.nodeId, logger: false, dependencyInterval: 10 });
  opened.defer(() => broker.stop());
  const instanceId = randomUUID();
  guard(broker, database);
  const sealer = await openSealer(database, randomBytes(32));
  const blobs = await openBlobStore(config);
  opened.defer(() => blobs.close());
  const archive = openArchive(database, blobs, config.limits);
  const node = { config, database, blobs, archive, log, sealer, http, instanceId, address: config.nodeId };
  const run = { instanceId, nodeId: config.nodeId, address: config.nodeId, lanes: config.limits.lanes, hosts: true };
  const holdings = await openStandalone(database, run, config.limits);
  const runtime = makeRuntime(node, broker, holdings, () => {});
  const way = ingress?.(runtime.router) ?? runtime.router;
  for (const service of [
    accessService(node, runtime.verified),
    authService(node),
    devicesService(node),
    actorsService(node, runtime),
    clusterService(runtime),
    telemetryService(node, way, archived ?? archive.readings),
    twinsService(node, way),
    deadLettersService(node, way),
    healthService(node),
    gatewayService(node, runtime.verified),
  ])
    broker.createService(service);
  await broker.start();
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  opened.defer(async () => {
    http.closeAllConnections();
    await new Promise(resolve => http.close(resolve));
  });
  const adminKey = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url,
    adminKey,
    config,
    database,
    blobs,
    archive,
    broker,
    http,
    sealer,
    log,
    logged,
    stop: () => opened.disposeAsync(),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look at bodies of every shape
export type Answer = { status: number; headers: Headers; body: any };
export type Ask = {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
};

/** Asks with the administrator's key unless told otherwise; `body` is sent as JSON, or as it is when it is a text. */
export async function ask(node: RestNode, line: string, { key, body, headers }: Ask = {}): Promise<Answer> {
  const [method, path] = line.split(' ') as [string, string];
  const response = await fetch(node.url + path, {
    method,
    headers: {
      ...(key !== null && { authorization: `Bearer ${key ?? node.adminKey}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** Registers a device and answers with its API key. */
export async function register(node: RestNode, id: string, fields: object = {}, key?: string): Promise<string> {
  const { status, body } = await ask(node, 'POST /api/v1/devices', { key, body: { id, ...fields } });
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.credentials.apiKey;
}

/** Another tenant, with an administrator's key. */
export async function addTenant(node: RestNode, slug: string): Promise<string> {
  const key = newKey('application');
  await node.database.query('INSERT INTO tenant (slug) VALUES ($1)', [slug]);
  await node.database.query(
    `INSERT INTO api_key (key_id, tenant_id, roles, name, secret_hash)
     SELECT $1, tenant_id, '{admin}', 'test', $2 FROM tenant WHERE slug = $3`,
    [key.id, key.hash, slug],
  );
  return key.text;
}

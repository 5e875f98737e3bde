/** Every service there is, behind REST: on a real broker, a real database and real servers. */

import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ServiceBroker } from 'moleculer';
import pino, { type Logger } from 'pino';
import { openBlobStore } from '../../adapters/blobs/open-blob-store.ts';
import { openStandalone } from '../../adapters/database/node-sessions.ts';
import { openDatabase } from '../../adapters/database/open-database.ts';
import { openArchive } from '../../adapters/database/telemetry/archive.ts';
import { openSealer } from '../../adapters/secrets/sealer.ts';
import { readConfig, SERVICES } from '../../config.ts';
import { guard } from '../../mixins/access-control.ts';
import { clusterOf, services } from '../../services/index.ts';
import { makeRuntime } from '../../services/runtime.ts';
import { newDataDir } from '../support/data-dir.ts';
import type { RestNode } from './rest-node.ts';

/** When it rejects nothing stays open. */
export async function startWholeNode(env: Readonly<Record<string, string>> = {}): Promise<RestNode> {
  const opened = new AsyncDisposableStack();
  try {
    return await start(env, opened);
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** @param opened what is to be closed, the last one first */
async function start(env: Readonly<Record<string, string>>, opened: AsyncDisposableStack): Promise<RestNode> {
  const dataDir = await newDataDir('skein-whole-');
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  const config = readConfig({
    SKEIN_DATA_DIR: dataDir,
    SKEIN_NODE_ID: 'whole-test',
    SKEIN_HOST: '127.0.0.1',
    SKEIN_MQTT_PORT: '0',
    ...env,
  });
  const database = await openDatabase(config);
  opened.defer(() => database.close());
  const logged: string[] = [];
  const log: Logger = pino({ level: 'warn' }, { write: line => logged.push(line) });
  const http = createServer({ maxHeaderSize: config.limits.headersMaxBytes });
  const broker = new ServiceBroker({ nodeID: config.nodeId, logger: false, dependencyInterval: 10 });
  opened.defer(() => broker.stop());
  guard(broker, database);
  const instanceId = randomUUID();
  const sealer = await openSealer(database, randomBytes(32));
  const blobs = await openBlobStore(config);
  opened.defer(() => blobs.close());
  const archive = openArchive(database, blobs, config.limits);
  const node = { config, database, blobs, archive, log, sealer, http, instanceId, address: config.nodeId };
  const run = { instanceId, nodeId: config.nodeId, address: config.nodeId, lanes: config.limits.lanes, hosts: true };
  const runtime = makeRuntime(node, broker, await openStandalone(database, run, config.limits), () => {});
  const schemas = SERVICES.flatMap(name => [
    services[name](node, runtime),
    ...(name === 'actors' ? [clusterOf(runtime)] : []),
  ]);
  for (const schema of schemas) broker.createService(schema);
  await broker.start();
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  opened.defer(async () => {
    http.closeAllConnections();
    await new Promise(resolve => http.close(resolve));
  });
  const adminKey = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const stop = () => opened.disposeAsync();
  return { url, adminKey, config, database, blobs, archive, broker, http, sealer, log, logged, stop };
}

import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Service, ServiceBroker, type ServiceSchema } from 'moleculer';
import type { Logger } from 'pino';
import { openBlobStore } from '../adapters/blobs/open-blob-store.ts';
import { reachNats } from '../adapters/bus/reach-nats.ts';
import type { Database, ReadOnly } from '../adapters/database/database.ts';
import { joinCluster } from '../adapters/database/join.ts';
import { closeInstance, openStandalone } from '../adapters/database/node-sessions.ts';
import { openDatabase } from '../adapters/database/open-database.ts';
import { openArchive } from '../adapters/database/telemetry/archive.ts';
import { type DataKeySealer, openSealer } from '../adapters/secrets/sealer.ts';
import { systemKeys } from '../adapters/secrets/system-key.ts';
import { newLog, withoutSecrets } from '../adapters/system/logs.ts';
import { httpsInFrontOf } from '../adapters/tls/https-server.ts';
import { startIdentity } from '../adapters/tls/identity-of-server.ts';
import type { ServerIdentity } from '../adapters/tls/server-identity.ts';
import { type Config, SERVICES } from '../config.ts';
import { mqtt } from '../contracts/mqtt.contract.ts';
import type { Sealer } from '../contracts/sealing.ts';
import { guard } from '../mixins/access-control.ts';
import { brokerOptions, busAddress } from '../moleculer.config.ts';
import { clusterOf, services } from './index.ts';
import type { Node } from './node.ts';
import { makeRuntime, type Runtime } from './runtime.ts';

/** For whoever starts a node: how it tells of itself. */
export { newLog, withoutSecrets };

export type RunningNode = {
  readonly engine: string;
  /** Where it listens; undefined when that service does not run here. */
  readonly httpPort: number | undefined;
  readonly httpsPort: number | undefined;
  readonly mqttPort: number | undefined;
  readonly mqttsPort: number | undefined;
  /** Takes no more, hands its devices to other nodes, lets what is under way end, closes everything. */
  stop(): Promise<void>;
};

/**
 * Starts one process of Skein: the database, its session in it, the bus, then its services, one after the other, and at last the way
 * in over HTTP. `onFatal` is told when the process can do nothing more and has to end.
 */
export async function runNode(config: Config, log: Logger, onFatal: (why: string) => void): Promise<RunningNode> {
  const onReadOnly = tellOfRoom(log);
  const database = await openDatabase({ ...config, onReadOnly, onFatal: error => onFatal(error.message) });
  const instanceId = randomUUID();
  const address = busAddress(config.nodeId, instanceId);
  const http = createServer({ maxHeaderSize: config.limits.headersMaxBytes });
  const sealer = await sealerOf(config, database, log).catch(async error => {
    await database.close();
    throw error;
  });
  const blobs = await openBlobStore(config).catch(async error => {
    await database.close();
    throw error;
  });
  const archive = openArchive(database, blobs, config.limits);
  const tls = await identityOf(config, database, sealer, log);
  const https = tls && config.httpsPort !== undefined ? httpsInFrontOf(http, tls, config.limits) : undefined;
  const node: Node = { config, database, blobs, archive, log, sealer, http, instanceId, address, ...(tls && { tls }) };
  const broker = new ServiceBroker(brokerOptions(config, address, await systemIdOf(database)));
  guard(broker, database);
  let runtime: Runtime | undefined;
  const stop = async () => {
    await leave(broker, runtime).catch(err => log.warn({ err }, 'could not hand off its devices'));
    for (const server of [http, https]) if (server?.listening) server.close();
    for (const service of broker.services.toReversed())
      if (!service.name.startsWith('$')) await broker.destroyService(service);
    await Promise.all([answered(http), https && answered(https)]);
    await tls?.stop();
    await sealer.stop();
    await closeInstance(database, instanceId).catch(err =>
      log.warn({ err }, 'could not close the session of this node'),
    );
    await broker.stop();
    await blobs.close();
    await database.close();
  };
  try {
    if (config.natsUrl !== undefined) await reachNats(config.natsUrl);
    const holdings = await openSession(node);
    await sealer.declare(instanceId);
    sealer.start();
    await broker.start();
    runtime = makeRuntime(node, broker, holdings, () => onFatal('another process has taken over its devices'));
    await startServices(node, broker, runtime);
    const runs = (name: string) => config.services.some(it => it === name);
    if (runs('gateway')) await listen(http, config.httpPort, config.host);
    if (runs('gateway') && https !== undefined) await listen(https, config.httpsPort!, config.host);
    return {
      engine: database.engine,
      httpPort: portOf(http),
      httpsPort: portOf(https),
      mqttPort: runs('mqtt') ? mqttPorts(broker).mqtt : undefined,
      mqttsPort: runs('mqtt') ? mqttPorts(broker).mqtts : undefined,
      stop,
    };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** An operator has to do something, so it is an error; that it is over is told as well. */
const tellOfRoom = (log: Logger) => (readOnly: ReadOnly | undefined, freeBytes: number | undefined) => {
  if (readOnly === undefined) log.warn({ freeBytes }, 'There is room again: everything is stored as before');
  else log.error({ freeBytes }, `Read-only: ${readOnly}. Nothing new is stored until there is room`);
};

/** With the key of this system. */
async function sealerOf(config: Config, database: Database, log: Logger): Promise<DataKeySealer> {
  const warn = (text: string) => log.warn(text);
  const { current, previous, from } = await systemKeys(config, database, warn);
  return openSealer(database, current, { previous, from, limits: config.limits, warn });
}

/** Of the listeners with TLS; undefined when there are none. */
async function identityOf(
  { mqttsPort, httpsPort, tlsCert, tlsKey, tlsNames, limits }: Config,
  database: Database,
  sealer: Sealer,
  log: Logger,
): Promise<ServerIdentity | undefined> {
  if (mqttsPort === undefined && httpsPort === undefined) return undefined;
  const files = tlsCert === undefined || tlsKey === undefined ? undefined : { cert: tlsCert, key: tlsKey };
  const { deviceCertificateMaxDays } = limits;
  return startIdentity({ database, sealer, log, files, names: tlsNames, deviceCertificateMaxDays });
}

async function systemIdOf(database: Database): Promise<string> {
  const [row] = await database.query<{ system_id: string }>('SELECT system_id FROM system');
  return row!.system_id;
}

/** With a bus it joins the others on the database; without one it is alone there. Answers what it has from the beginning. */
async function openSession({ config, database, instanceId, address }: Node) {
  const { nodeId, limits, natsUrl } = config;
  const run = { instanceId, nodeId, address, lanes: limits.lanes, hosts: config.services.includes('actors') };
  if (natsUrl === undefined) return openStandalone(database, run, limits);
  await joinCluster(database, run, limits);
  return [];
}

/** One after the other, each when those before it are there. The cluster comes before those who send to actors. */
async function startServices(node: Node, broker: ServiceBroker, runtime: Runtime): Promise<void> {
  const { config } = node;
  for (const name of SERVICES) {
    if (config.services.includes(name)) await startService(broker, services[name](node, runtime));
    // Whether or not this node has actors, what comes after them sends to some.
    if (name === 'actors') await startService(broker, clusterOf(runtime));
  }
}

/** Moleculer starts a service and does not say when, nor why not; and to wait for its name would find another node's. */
async function startService(broker: ServiceBroker, schema: ServiceSchema): Promise<void> {
  const isUp = Promise.withResolvers<void>();
  const { started } = schema;
  const service = broker.createService({
    ...schema,
    started: [
      async function (this: Service) {
        try {
          await (started as (() => unknown) | undefined)?.call(this);
          isUp.resolve();
        } catch (error) {
          isUp.reject(error);
          throw error;
        }
      },
    ],
  });
  await isUp.promise;
  // Its actions are there a moment after it has started.
  while (!broker.registry.services.has(service.fullName, broker.nodeID)) await new Promise(setImmediate);
}

/** Others have its devices before its connections are closed: so a device that connects elsewhere finds its actor at once. */
async function leave(broker: ServiceBroker, runtime: Runtime | undefined): Promise<void> {
  if (runtime === undefined) return;
  (broker.getLocalService(mqtt.service) as unknown as { stopListening?: () => void } | undefined)?.stopListening?.();
  await runtime.membership.leave();
}

/** Whoever waited for something has an answer by now, which may be on its way. */
const LAST_ANSWERS_MS = 2_000;

/** Ends with all connections closed: each when its request is answered, and those that are left after a while. */
async function answered(http: Server | HttpsServer): Promise<void> {
  // Not in the same turn in which the last answers were made: they are written in one of the next.
  const look = setInterval(() => http.closeIdleConnections(), 20);
  const patience = Promise.withResolvers<void>();
  const timer = setTimeout(patience.resolve, LAST_ANSWERS_MS);
  const closed = new Promise<void>(resolve => {
    if (http.listening) http.close(() => resolve());
    else http.getConnections((_error, count) => (count === 0 ? resolve() : http.once('close', resolve)));
  });
  await Promise.race([closed, patience.promise]);
  clearTimeout(timer);
  clearInterval(look);
  http.closeAllConnections();
}

const portOf = (server: Server | HttpsServer | undefined): number | undefined =>
  server?.listening ? (server.address() as AddressInfo).port : undefined;

const mqttPorts = (broker: ServiceBroker): Readonly<Record<string, number>> =>
  (broker.getLocalService(mqtt.service) as unknown as { ports: Record<string, number> }).ports;

const listen = (http: Server | HttpsServer, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.removeListener('error', reject);
      resolve();
    });
  });

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceBroker } from 'moleculer';
import type { Logger } from 'pino';
import { Router } from '../actors/runtime/router.ts';
import { openDatabase } from '../adapters/database/open-database.ts';
import { systemScheduler } from '../adapters/system/ports.ts';
import { type Config, SERVICES } from '../config.ts';
import { actors } from '../contracts/actors.contract.ts';
import { call } from '../contracts/contract.ts';
import { mqtt } from '../contracts/mqtt.contract.ts';
import { brokerOptions } from '../moleculer.config.ts';
import { services } from './index.ts';

export type RunningNode = {
  readonly engine: string;
  /** Where it listens; undefined when that service does not run here. */
  readonly httpPort: number | undefined;
  readonly mqttPort: number | undefined;
  /** Takes no more, lets what is under way end, closes everything. */
  stop(): Promise<void>;
};

/**
 * Starts one process of Skein: the database, then its services, one after the other, and at last the way in over HTTP.
 * `onFatal` is told when the process can do nothing more and has to end.
 */
export async function runNode(config: Config, log: Logger, onFatal: (why: string) => void): Promise<RunningNode> {
  const database = await openDatabase({ ...config, onFatal: error => onFatal(error.message) });
  const onFenced = () => onFatal('another process has taken over its devices');
  const http = createServer({ maxHeaderSize: config.limits.headersMaxBytes });
  const broker = new ServiceBroker(brokerOptions(config));
  const router = new Router({
    scheduler: systemScheduler,
    limits: config.limits,
    ownerOf: () => config.nodeId,
    deliver: (nodeID, uplinks) => call(broker, actors.deliver, { uplinks: uplinks as never }, { nodeID, timeout: 0 }),
  });
  const names = SERVICES.filter(name => config.services.includes(name));
  const stop = async () => {
    if (http.listening) http.close();
    for (const name of names.toReversed()) {
      const service = broker.getLocalService(name);
      if (service) await broker.destroyService(service);
    }
    http.closeAllConnections();
    await broker.stop();
    await database.close();
  };
  try {
    await broker.start();
    const node = { config, database, log, http };
    for (const name of names) {
      const service = broker.createService(services[name](node, router, onFenced));
      await broker.waitForServices(service.fullName, config.limits.requestTimeoutSeconds * 1_000);
    }
    if (names.includes('gateway')) await listen(http, config);
    return {
      engine: database.engine,
      httpPort: http.listening ? (http.address() as AddressInfo).port : undefined,
      mqttPort: names.includes('mqtt') ? Number((await call(broker, mqtt.health, {})).figures.port) : undefined,
      stop,
    };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

const listen = (http: ReturnType<typeof createServer>, config: Config): Promise<void> =>
  new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(config.httpPort, config.host, () => {
      http.removeListener('error', reject);
      resolve();
    });
  });

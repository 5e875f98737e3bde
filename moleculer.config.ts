import type { BrokerOptions } from 'moleculer';
import { refuseWhileCut } from './adapters/bus/nats-link.ts';
import { natsOptions } from './adapters/bus/nats-options.ts';
import { NatsTransporter } from './adapters/bus/nats-transporter.ts';
import { RedisCacher } from './adapters/redis/redis-cacher.ts';
import { newLog } from './adapters/system/logs.ts';
import type { Config } from './config.ts';

/**
 * How Moleculer is set up. Retries, circuit breaker and bulkhead stay off: calls to actors are pinned and have their own
 * deadlines (Moleculer's retry drops the pin).
 *
 * @param address names this run on the bus, and no other run ever: see `busAddress`
 * @param systemId of the database: nodes of another one are never heard of
 */
export const brokerOptions = (config: Config, address: string, systemId = ''): BrokerOptions => ({
  // Two systems may share a bus: without this, nodes of one would be asked what belongs to the other.
  namespace: `skein-${systemId.slice(0, 8)}`,
  nodeID: address,
  logger: loggerOf(config),
  requestTimeout: config.limits.requestTimeoutSeconds * 1_000,
  /** Services start one after the other, each when those before it are there: see main.ts. */
  dependencyInterval: 10,
  /** The process handles its signals itself, to stop its parts in order. */
  skipProcessEventRegistration: true,
  metrics: false,
  tracing: false,
  ...(config.natsUrl !== undefined && busOptions(config.natsUrl, address)),
  ...(config.redisUrl !== undefined && { cacher: new RedisCacher(config.redisUrl, config.limits) }),
});

/** Moleculer warns of every call without an answer, which its callers know how to handle. Its words go where ours go. */
function loggerOf({ logLevel, nodeId }: Config): BrokerOptions['logger'] {
  const level = logLevel === 'info' || logLevel === 'warn' ? 'error' : logLevel;
  const log = newLog(level, { node: nodeId });
  return {
    type: 'Pino',
    options: { level, createLogger: (_: string, { mod }: { mod: string }) => log.child({ mod }) },
  };
}

/** Payloads are bytes, and CBOR carries bytes as they are. */
const busOptions = (natsUrl: string, address: string): BrokerOptions => ({
  transporter: new NatsTransporter(natsOptions(natsUrl, address)),
  serializer: 'CBOR',
  middlewares: [refuseWhileCut()],
  /** What is here is asked here: `access.verify` of a node with everything costs no way over the bus. */
  registry: { preferLocal: true },
  /** Only who may be asked: who owns what is decided by leases in the database, which run out sooner. */
  heartbeatInterval: 5,
  heartbeatTimeout: 15,
});

/**
 * The name of one run of a node on the bus. Two processes with the same name would both be ended by Moleculer, so the node's own
 * name, which an operator may give twice and which comes back after a restart, is not enough.
 */
export const busAddress = (nodeId: string, instanceId: string): string => `${nodeId}-${instanceId.slice(-8)}`;

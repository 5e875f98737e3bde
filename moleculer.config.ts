import type { BrokerOptions } from 'moleculer';
import type { Config } from './config.ts';

/**
 * How Moleculer is set up. Retries, circuit breaker and bulkhead stay off: calls to actors are pinned and have their own
 * deadlines (Moleculer's retry drops the pin).
 */
export const brokerOptions = (config: Config): BrokerOptions => ({
  namespace: 'skein',
  nodeID: config.nodeId,
  logger: {
    type: 'Pino',
    options: { level: config.logLevel === 'info' ? 'warn' : config.logLevel, pino: { destination: 2 } },
  },
  requestTimeout: config.limits.requestTimeoutSeconds * 1_000,
  /** Services start one after the other, each when those before it are there: see main.ts. */
  dependencyInterval: 10,
  /** The process handles its signals itself, to stop its parts in order. */
  skipProcessEventRegistration: true,
  metrics: false,
  tracing: false,
});

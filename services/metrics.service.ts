/** Figures of this process for Prometheus: what its services report of themselves, and the process itself. */
import type { Context, ServiceSchema } from 'moleculer';
import { actors } from '../contracts/actors.contract.ts';
import { certificates } from '../contracts/certificates.contract.ts';
import { cluster } from '../contracts/cluster.contract.ts';
import { call, implement } from '../contracts/contract.ts';
import { deadLetters } from '../contracts/dead-letters.contract.ts';
import type { HealthReport } from '../contracts/health.contract.ts';
import { metrics } from '../contracts/metrics.contract.ts';
import { mqtt } from '../contracts/mqtt.contract.ts';
import { storage } from '../contracts/storage.contract.ts';
import { memberOf } from '../mixins/callers.ts';
import { exposition, type Sample } from './metrics/exposition.ts';
import { deadLetterSamples, processSamples, reportSamples, roomSamples } from './metrics/samples.ts';
import type { Node } from './node.ts';

const PATIENCE_MS = 2_000;
const REPORTING = {
  actors: actors.health,
  cluster: cluster.health,
  mqtt: mqtt.health,
  certificates: certificates.health,
  storage: storage.health,
} as const;

export function metricsService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  return implement(metrics, {
    async prometheus(ctx) {
      memberOf(ctx);
      const asked = Object.entries(REPORTING).map(async ([name, action]) => {
        const report = await ownReport(ctx, action);
        return report === undefined ? [] : reportSamples(name, report);
      });
      return exposition([
        ...processSamples(config.nodeId),
        ...roomSamples(database.room),
        ...(await deadLettersHere(ctx)),
        ...(await Promise.all(asked)).flat(),
      ]);
    },
  });
}

/** None when that service does not run in this process, or does not answer. */
async function deadLettersHere(ctx: Context): Promise<Sample[]> {
  try {
    const { nodeID } = ctx.broker;
    return deadLetterSamples(await call(ctx, deadLetters.figures, {}, { nodeID, timeout: PATIENCE_MS }));
  } catch {
    return [];
  }
}

/** The report of the service in this process; undefined when it has none, or does not answer. Other nodes are asked by themselves. */
async function ownReport(ctx: Context, action: typeof actors.health): Promise<HealthReport | undefined> {
  try {
    return await call(ctx, action, {}, { nodeID: ctx.broker.nodeID, timeout: PATIENCE_MS });
  } catch {
    return undefined;
  }
}

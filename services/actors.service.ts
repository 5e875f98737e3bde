import type { ServiceSchema } from 'moleculer';
import { isPackedBatch, packOutcomes, unpackBatch } from '../adapters/bus/packed-batch.ts';
import { actors } from '../contracts/actors.contract.ts';
import { deviceAddress } from '../contracts/addresses.ts';
import { implement, on } from '../contracts/contract.ts';
import type { HealthReport } from '../contracts/health.contract.ts';
import { RevocationFeed } from '../mixins/revocations.ts';
import { TypeWatch } from './actors/type-watch.ts';
import type { Node } from './node.ts';
import type { Hosting, Runtime } from './runtime.ts';

/** Hosts the actors of this node. */
export function actorsService(
  { config, database, log }: Pick<Node, 'config' | 'database' | 'log'>,
  { router, hosting }: Pick<Runtime, 'router' | 'hosting'>,
): ServiceSchema {
  const { limits, acknowledgeBeforeCommit } = config;
  const { host, intake, downlinks, store, mirror } = hosting!;
  // That a device changed is told by a message of the bus, which may be lost. That it was stopped must not be.
  const stopped = new RevocationFeed({
    database,
    pollMs: limits.revocationPollMs,
    lookBackSeconds: limits.revocationLookBackSeconds,
    onRevoked: ({ kind, tenant, subject }) => {
      if (kind === 'device') host.changed(deviceAddress(tenant, subject).key);
    },
    onError: err => log.warn({ err }, 'could not look for devices that were stopped'),
  });

  const types = new TypeWatch({
    database,
    rules: store.typeRules,
    host,
    pollMs: limits.typeRulesPollMs,
    onError: err => log.warn({ err }, 'could not look for types of devices that changed'),
  });

  return implement(
    actors,
    {
      async deliver({ params: { batch } }) {
        if (!isPackedBatch(batch)) return intake.deliver(batch);
        return packOutcomes(await intake.deliver(unpackBatch(batch)));
      },
      health: () => healthOf(router, hosting!, limits.ingressShedPercent),
    },
    {
      events: {
        ...on(actors.changed, ({ tenant, device }) => host.changed(deviceAddress(tenant, device).key)),
        ...on(actors.typeChanged, name => types.changed(name)),
      },
      started() {
        host.start();
        intake.start();
        stopped.start();
        types.start();
        if (acknowledgeBeforeCommit) log.warn('acknowledging before the commit: messages WILL be lost; never set this');
      },
      async stopped() {
        await stopped.stop();
        await types.stop();
        await host.stop();
        await downlinks.drain(limits.commitPatienceSeconds * 1_000);
        intake.stop();
        mirror?.close();
        await store.close();
      },
    },
  );
}

function healthOf(
  router: Runtime['router'],
  { host, intake, downlinks, mirror }: Hosting,
  shedPercent: number,
): HealthReport {
  const figures = {
    ...router.figures(),
    ...host.figures(),
    ...intake.figures(),
    downlinksWaiting: downlinks.waiting,
    ...mirror?.figures(),
  };
  const percent = Math.round(router.load() * 100);
  if (percent < shedPercent) return { condition: 'healthy', figures };
  return { condition: 'degraded', detail: `overloaded: ${percent}% of what may wait is waiting`, figures };
}

import type { ServiceSchema } from 'moleculer';
import { Host } from '../actors/runtime/host.ts';
import type { Router } from '../actors/runtime/router.ts';
import { decode } from '../adapters/codecs/index.ts';
import { ActorStore } from '../adapters/database/actor-store.ts';
import { closeInstance, openInstance } from '../adapters/database/node-sessions.ts';
import { systemClock, systemRandom, systemScheduler } from '../adapters/system/ports.ts';
import { actors } from '../contracts/actors.contract.ts';
import { deviceAddress } from '../contracts/addresses.ts';
import { implement, on } from '../contracts/contract.ts';
import type { HealthReport } from '../contracts/health.contract.ts';
import type { Node } from './node.ts';

/** Hosts the actors of this node. `onFenced`: another process took over, so this one has to end. */
export function actorsService(
  { config, database, log }: Pick<Node, 'config' | 'database' | 'log'>,
  router: Pick<Router, 'load' | 'figures'>,
  onFenced: () => void,
): ServiceSchema {
  const { limits, acknowledgeBeforeCommit } = config;
  let instanceId: string | undefined;
  let store: ActorStore;
  let host: Host;

  return implement(
    actors,
    {
      deliver: ctx => host.deliver(ctx.params.uplinks),
      health: () => healthOf(router, host, limits.ingressShedPercent),
    },
    {
      events: on(actors.changed, ({ tenant, device }) => host.changed(deviceAddress(tenant, device).key)),
      async started() {
        instanceId = await openInstance(database, config.nodeId, limits.lanes);
        store = new ActorStore(database, instanceId, limits.lanes);
        host = new Host({
          store,
          decode,
          limits,
          acknowledgeBeforeCommit,
          clock: systemClock,
          scheduler: systemScheduler,
          random: systemRandom,
          onFenced,
          onDefect: (err, uplink) =>
            log.error({ err, device: uplink.address.key }, 'an actor failed to handle a message'),
        });
        host.start();
        if (acknowledgeBeforeCommit) log.warn('acknowledging before the commit: messages WILL be lost; never set this');
      },
      async stopped() {
        if (!instanceId) return;
        await host.stop();
        await store.close();
        await closeInstance(database, instanceId).catch(err =>
          log.warn({ err }, 'could not close the session of this node'),
        );
      },
    },
  );
}

function healthOf(router: Pick<Router, 'load' | 'figures'>, host: Host, shedPercent: number): HealthReport {
  const figures = { ...router.figures(), ...host.figures() };
  const percent = Math.round(router.load() * 100);
  if (percent < shedPercent) return { condition: 'healthy', figures };
  return { condition: 'degraded', detail: `overloaded: ${percent}% of what may wait is waiting`, figures };
}

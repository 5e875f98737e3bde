/** The runtime of a node: its actors, if it hosts some, and what every node needs to reach the others' actors. */
import type { ServiceBroker } from 'moleculer';
import { delta } from '../actors/device/merge-patch.ts';
import { Membership } from '../actors/placement/membership.ts';
import { ShardMap } from '../actors/placement/shard-map.ts';
import { Downlinks } from '../actors/runtime/downlinks.ts';
import { Host } from '../actors/runtime/host.ts';
import { Intake } from '../actors/runtime/intake.ts';
import { Router } from '../actors/runtime/router.ts';
import { undelivered } from '../actors/runtime/undelivered.ts';
import { type Verified, VerifiedKeys } from '../adapters/access/verified-keys.ts';
import { deliverOver } from '../adapters/bus/deliver.ts';
import { watchNats } from '../adapters/bus/nats-link.ts';
import { pushOver, tellOver } from '../adapters/bus/push.ts';
import { decode } from '../adapters/codecs/index.ts';
import { ActorStore } from '../adapters/database/actor-store.ts';
import { DatabaseOwnershipStore } from '../adapters/database/ownership-store.ts';
import { TwinMirror } from '../adapters/redis/twin-mirror.ts';
import { systemClock, systemRandom, systemScheduler } from '../adapters/system/ports.ts';
import { cluster } from '../contracts/cluster.contract.ts';
import { announce } from '../contracts/contract.ts';
import type { Holding } from '../contracts/ownership.ts';
import type { TwinRecord } from '../contracts/twins.ts';
import type { DeviceAddress } from '../contracts/uplinks.ts';
import { Waiters } from '../mixins/waiters.ts';
import { Fronts } from './fronts.ts';
import type { Node } from './node.ts';

/** What hosts actors. */
export type Hosting = {
  readonly host: Host;
  readonly intake: Intake;
  readonly downlinks: Downlinks;
  readonly store: ActorStore;
  /** Undefined: there is no Redis. */
  readonly mirror: TwinMirror | undefined;
};

export type Runtime = {
  readonly router: Router;
  readonly shards: ShardMap;
  readonly membership: Membership;
  /** Undefined: the actors live on other nodes. */
  readonly hosting: Hosting | undefined;
  /** All shards, when nobody can share the database with this process: then nobody is asked who owns what. */
  readonly alone: readonly Holding[] | undefined;
  /** A twin as it is stored, from the memory of this process; null: the device has none. Undefined: to be read from the database. */
  readonly twinOf: (address: DeviceAddress) => TwinRecord | null | undefined;
  /** The connections of this process. */
  readonly fronts: Fronts;
  /** Callers of this process that wait for the end of commands. */
  readonly waiters: Waiters;
  /** Credentials that this process has found good. */
  readonly verified: VerifiedKeys<Verified>;
};

const system = { clock: systemClock, scheduler: systemScheduler, random: systemRandom };

/**
 * @param holdings what the session of this process had from its beginning
 * @param onFenced another process took over, so this one has to end
 */
export function makeRuntime(
  node: Omit<Node, 'http'>,
  broker: ServiceBroker,
  holdings: readonly Holding[],
  onFenced: () => void,
): Runtime {
  const { config, database, log, instanceId, address } = node;
  const { limits } = config;
  const shards = new ShardMap();
  const fronts = new Fronts();
  const waiters = new Waiters(limits.commandWaiters);
  const verified = new VerifiedKeys<Verified>(limits.keyCacheEntries, limits.keyCacheSeconds);
  const router = new Router({ ...system, limits, instanceId, shards, deliver: deliverOver(broker, address, limits) });
  const hosting = config.services.includes('actors')
    ? makeHosting(node, { broker, router, fronts, waiters, onFenced })
    : undefined;
  const membership = new Membership({
    ...system,
    limits,
    instanceId,
    address,
    shards,
    store: new DatabaseOwnershipStore(database, instanceId, limits),
    host: hosting?.host ?? null,
    isReachable: config.natsUrl === undefined ? () => true : watchNats(broker).isConnected,
    announce: moved => announce(broker, cluster.moved, moved),
    onFenced,
    onEvent: (what, about) => log[what === 'lease ran out' ? 'warn' : 'info'](about, what),
  });
  const alone = database.engine === 'pglite' ? holdings : undefined;
  const twinOf = (it: DeviceAddress) => (membership.isCurrent ? hosting?.host.twinOf(it) : undefined);
  return { router, shards, membership, hosting, alone, twinOf, fronts, waiters, verified };
}

type HostingParts = Pick<Runtime, 'router' | 'fronts' | 'waiters'> & {
  readonly broker: ServiceBroker;
  readonly onFenced: () => void;
};

function makeHosting(
  { config, database, log, instanceId, address }: Omit<Node, 'http'>,
  { broker, router, fronts, waiters, onFenced }: HostingParts,
): Hosting {
  const { limits, acknowledgeBeforeCommit, redisUrl } = config;
  const mirror = redisUrl === undefined ? undefined : new TwinMirror(redisUrl, limits, delta);
  const store = new ActorStore(database, instanceId, limits.lanes, limits.typeRulesMaxBytes);
  const downlinks = new Downlinks({
    ...system,
    commandsPerSecond: () => host.commandsPerSecond,
    address,
    limits,
    here: { deliver: downlink => fronts.deliver(downlink), ended: commands => waiters.tell(commands) },
    push: pushOver(broker, limits),
    tell: tellOver(broker, limits),
    failed: (downlink, why) => notSent(downlink, why),
  });
  const host = new Host({
    ...system,
    store,
    decode,
    limits,
    acknowledgeBeforeCommit,
    onTwin: mirror && ((address, twin) => mirror.follow(address, twin)),
    onOutputs: outputs => downlinks.release(outputs),
    onFenced,
    onDefect: (err, uplink) => log.error({ err, device: uplink.address.key }, 'an actor failed to handle a message'),
  });
  const notSent = undelivered({ ingress: router, host, clock: systemClock });
  return { store, mirror, host, downlinks, intake: new Intake({ ...system, host, instanceId, limits }) };
}

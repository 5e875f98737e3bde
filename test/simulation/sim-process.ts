/** One run of one process: the real runtime, wired as the product wires it, over simulated everything else. */

import { Membership } from '../../actors/placement/membership.ts';
import { type Owner, ShardMap } from '../../actors/placement/shard-map.ts';
import { Downlinks } from '../../actors/runtime/downlinks.ts';
import { Host } from '../../actors/runtime/host.ts';
import { Intake } from '../../actors/runtime/intake.ts';
import { pause, type Random, type Scheduler } from '../../actors/runtime/ports.ts';
import { Router } from '../../actors/runtime/router.ts';
import { undelivered } from '../../actors/runtime/undelivered.ts';
import { decode } from '../../adapters/codecs/index.ts';
import type { Delivery, Downlink, Output } from '../../contracts/downlinks.ts';
import type { Batch, Outcome } from '../../contracts/uplinks.ts';
import { type Chance, chanceOf } from './chance.ts';
import { EPOCH_MS } from './messages.ts';
import type { Push } from './mutations.ts';
import type { Peer, Port } from './sim-bus.ts';
import { Life } from './sim-clock.ts';
import { SimFront } from './sim-front.ts';
import { SimLink } from './sim-link.ts';
import { SimStore } from './sim-store.ts';
import type { World } from './world.ts';

const BOOT_MS = 200;
const RETRY_MS = 500;
/** How often the timers of a host look while something has a time; and the router, while something waits for an owner. */
const TIMER_MS = 100;

export class SimProcess implements Peer {
  readonly world: World;
  readonly nodeId: string;
  /** For the trace: the node and the number of the run. */
  readonly name: string;
  readonly instanceId: string;
  readonly address: string;
  readonly life = new Life();
  readonly link: SimLink;
  readonly port: Port<SimProcess>;
  readonly front: SimFront;
  readonly clock: { nowMs(): number; elapsedMs(): number };
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly store: SimStore;
  readonly downlinks: Downlinks;
  /** Only a mutation lets something out by itself. */
  readonly releasedEarly = new WeakSet<Output>();
  readonly host: Host;
  readonly intake: Intake;
  readonly router: Router;
  readonly membership: Membership;
  /** In which epoch of its shard each device was last read. */
  readonly readEpochs = new Map<string, number>();
  readonly #notSent: ReturnType<typeof undelivered>;
  readonly #chance: Chance;
  readonly #shards = new ShardMap();
  /** How far its clock is off. */
  clockOffMs: number;
  /** When something waited for its time last. */
  timersAtMs = 0;
  /** When it was ready; undefined: it is not. */
  upSinceMs: number | undefined;
  #isStopping = false;

  constructor(world: World, nodeId: string, run: number) {
    this.world = world;
    this.nodeId = nodeId;
    this.name = `${nodeId}.${run}`;
    this.#chance = chanceOf(world.plan.seed, this.name);
    this.clockOffMs = this.#chance.between(-400, 400);
    const { clock, mutation } = world;
    this.clock = {
      nowMs: () => Math.floor(EPOCH_MS + clock.nowMs + this.clockOffMs),
      elapsedMs: () => clock.nowMs,
    };
    this.scheduler = {
      soon: work => void clock.after(0, this.life, work),
      after: (delayMs, work) => {
        if (delayMs === TIMER_MS) this.timersAtMs = clock.nowMs;
        return clock.after(delayMs, this.life, work);
      },
    };
    this.random = { uuid: () => uuid(this.#chance), fraction: () => this.#chance.next() };
    const uniqueId = this.random.uuid();
    this.instanceId = mutation.instanceIdIsNodeId ? nodeId : uniqueId;
    this.address = mutation.addressIsNodeId ? nodeId : `${nodeId}-${uniqueId.slice(-8)}`;
    this.link = new SimLink(clock, chanceOf(world.plan.seed, `${this.name} link`), this.life);
    this.port = world.bus.join(this);
    this.front = new SimFront(this);
    this.store = this.#makeStore();
    const store = mutation.store?.(this.store, this) ?? this.store;
    const parts = { ...this.#ports(), store, instanceId: this.instanceId };
    this.downlinks = this.#makeDownlinks();
    this.host = new Host({
      ...parts,
      decode,
      onFenced: () => this.#fenced(),
      onDefect: world.defect,
      onOutputs: outputs => this.downlinks.release(outputs.filter(it => !this.releasedEarly.has(it))),
      ...mutation.host,
    });
    this.intake = new Intake({ ...parts, host: this.host });
    this.router = new Router({ ...parts, shards: this.#shards, deliver: (owner, batch) => this.#call(owner, batch) });
    this.#notSent = undelivered({ ingress: this.router, host: this.host, clock: this.clock });
    this.membership = new Membership({
      ...parts,
      address: this.address,
      host: this.host,
      shards: this.#shards,
      isReachable: () => this.port.isReachable,
      announce: moved => world.bus.broadcast(this, peer => peer.membership.heard(moved)),
      onFenced: () => this.#fenced(),
      onEvent: (what, about) => world.trace.note(this.name, `${what} ${JSON.stringify(about)}`),
    });
    void this.#start();
  }

  /** A batch from the bus, or from its own router. */
  async deliver(batch: Batch): Promise<Outcome[]> {
    const { invariants, mutation } = this.world;
    const outcomes = await (mutation.deliver ?? plainly)(this, batch);
    for (let i = 0; i < outcomes.length; i++) invariants.answered(this, batch.uplinks[i]!, outcomes[i]!);
    return outcomes;
  }

  push(downlinks: readonly Downlink[]): Delivery[] {
    return downlinks.map(it => this.front.deliver(it));
  }

  changed(key: string): void {
    this.host.changed(key);
  }

  /** It ends at once, without a word. */
  kill(why: string): void {
    if (this.life.isDead) return;
    this.world.trace.note(this.name, why);
    this.front.die();
    this.store.die();
    this.life.die();
    this.world.ended(this);
  }

  /** It ends as it is asked to: it hands off everything first. */
  stop(): void {
    if (this.life.isDead || this.#isStopping || this.upSinceMs === undefined) return;
    this.#isStopping = true;
    this.world.trace.note(this.name, 'stop');
    this.#stop().then(
      () => this.kill('stopped'),
      () => this.kill('stopped badly'),
    );
  }

  async #stop(): Promise<void> {
    this.front.isAccepting = false;
    await this.membership.leave();
    this.membership.stop();
    this.front.closeAll();
    await this.host.stop();
    this.intake.stop();
    await this.store.closeSession();
  }

  async #start(): Promise<void> {
    await pause(this.scheduler, this.#chance.span(BOOT_MS / 4, BOOT_MS));
    while (!(await this.#isOpened())) await pause(this.scheduler, RETRY_MS);
    this.host.start();
    this.intake.start();
    await this.membership.start();
    this.front.isAccepting = true;
    this.upSinceMs = this.world.clock.nowMs;
    this.world.trace.note(this.name, `up as ${this.instanceId}`);
  }

  #isOpened(): Promise<boolean> {
    return this.store.openSession(this.nodeId, this.address).then(
      () => true,
      () => false,
    );
  }

  #fenced(): void {
    this.kill('fenced');
  }

  #call(owner: Owner, batch: Batch): Promise<Outcome[]> {
    if (owner.instance === this.instanceId) return this.deliver(batch);
    return this.world.bus.call(this, owner.address, batch, this.world.limits.batchRetryMs);
  }

  #makeDownlinks(): Downlinks {
    const { address, world } = this;
    const { bus, limits, invariants, mutation } = world;
    const push: Push = (to, downlinks) => bus.push(this, to, downlinks, limits.batchRetryMs);
    return new Downlinks({
      clock: this.clock,
      scheduler: this.scheduler,
      commandsPerSecond: () => this.host.commandsPerSecond,
      address,
      limits,
      here: { deliver: it => this.front.deliver(it), ended: commands => invariants.commands.told(commands) },
      push: mutation.push?.(push) ?? push,
      tell: (to, commands) => bus.tell(this, to, () => invariants.commands.told(commands)),
      failed: (downlink, why) => this.#notSent(downlink, why),
    });
  }

  #ports() {
    return { clock: this.clock, scheduler: this.scheduler, random: this.random, limits: this.world.limits };
  }

  #makeStore(): SimStore {
    const { world, life, link, instanceId } = this;
    const { database, clock, noise, limits } = world;
    return new SimStore({
      database,
      clock,
      noise,
      limits,
      life,
      link,
      instanceId,
      chance: chanceOf(world.plan.seed, `${this.name} store`),
      read: addresses => {
        for (const { key, shard } of addresses) this.readEpochs.set(key, database.ownership.shards[shard]!.epoch);
      },
    });
  }
}

const plainly = (process: SimProcess, batch: Batch): Promise<Outcome[]> => process.intake.deliver(batch);

function uuid(chance: Chance): string {
  const hex = (digits: number) =>
    Math.floor(chance.next() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(12)}`;
}

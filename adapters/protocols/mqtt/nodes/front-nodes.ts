/**
 * The other nodes that speak MQTT: tells them what the applications of this one want to see, and sends them what theirs
 * want. docs/mqtt.md, "Several nodes", says what comes of it. Alone on its bus, or without one, it does nothing.
 */

import { SkeinError } from '../../../../contracts/errors.ts';
import type {
  ApplicationClaim,
  Forward,
  FrontNode,
  Greeting,
  TenantInterest,
} from '../../../../contracts/mqtt.contract.ts';
import { systemClock, systemScheduler } from '../../../system/ports.ts';
import type { Place } from '../../protocol.ts';
import type { Audience } from '../audience.ts';
import type { Figures } from '../figures.ts';
import { Interest } from './interest.ts';
import { LocalDelivery } from './local-delivery.ts';
import { BEAT_MS, FAREWELL_MS, GATHER_MS, type NodeLimits, SILENCE_MS, TELL_MS } from './node-limits.ts';
import { type Batch, OutgoingStream } from './outgoing-stream.ts';
import { Peer } from './peer.ts';

/** The way to the other nodes. Each call rejects when no answer comes in time. */
export interface FrontBus {
  greet(address: string, greeting: Greeting): Promise<FrontNode>;
  forward(address: string, forward: Forward): Promise<{ next: number }>;
  /** To all of them, at most once. */
  claim(claim: ApplicationClaim): void;
}

export type FrontNodesOptions = {
  readonly place: Place;
  readonly bus: FrontBus;
  readonly audience: Audience;
  readonly figures: Figures;
  readonly limits: NodeLimits;
  readonly clock?: Pick<typeof systemClock, 'nowMs' | 'elapsedMs'>;
  readonly scheduler?: typeof systemScheduler;
};

export class FrontNodes {
  readonly #options: FrontNodesOptions;
  readonly #clock: Pick<typeof systemClock, 'nowMs' | 'elapsedMs'>;
  readonly #scheduler: typeof systemScheduler;
  readonly #interest: Interest;
  readonly #delivery: LocalDelivery;
  readonly #peers = new Map<string, Peer>();
  #listed: ReadonlySet<string> = new Set();
  #version: number;
  #lastStream = 0;
  #isListening = false;
  #isStopped = false;
  #isGathering = false;
  /** Tenants whose subscriptions changed since the last round of telling. */
  readonly #untold = new Set<string>();
  /** The latest round of telling everybody; undefined: everybody was told. */
  #round: Promise<void> | undefined;
  #stopBeat: (() => void) | undefined;

  constructor(options: FrontNodesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#scheduler = options.scheduler ?? systemScheduler;
    this.#interest = new Interest(options.audience, options.limits);
    this.#delivery = new LocalDelivery(options.audience, options.figures);
    this.#version = this.#clock.nowMs();
    options.audience.onLocalChange = tenant => this.#changed(tenant);
  }

  /** Hears what the others want, before any device can send something. */
  async start(): Promise<void> {
    await this.#greetAll();
    this.#isListening = true;
    for (const peer of this.#peers.values()) if (!peer.isLive) peer.renewStream();
  }

  /** Lets what is under way arrive, and says that nothing more comes. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopBeat?.();
    const peers = [...this.#peers.values()];
    const endMs = this.#clock.elapsedMs() + FAREWELL_MS;
    while (peers.some(peer => peer.isLive && !peer.outgoing.isIdle) && this.#clock.elapsedMs() < endMs)
      await this.#pause(GATHER_MS);
    for (const { outgoing } of peers) outgoing.close();
    const farewells = peers.map(peer =>
      this.#options.bus.greet(peer.address, this.#greeting(peer, true)).catch(() => {}),
    );
    await Promise.race([Promise.all(farewells), this.#pause(TELL_MS)]);
    for (const peer of peers) peer.interest.forget();
    this.#peers.clear();
  }

  /** The addresses of all others that can be asked now. One that can not be any more may still say bye, or fall silent. */
  others(addresses: readonly string[]): void {
    if (this.#isStopped) return;
    const before = this.#listed;
    this.#listed = new Set(addresses);
    for (const address of this.#listed) if (!before.has(address)) void this.#greet(this.#peerAt(address));
  }

  /** The bus says that this node is not there any more. */
  gone(address: string): void {
    this.#listed = new Set([...this.#listed].filter(it => it !== address));
    const peer = this.#peers.get(address);
    if (peer === undefined) return;
    this.#peers.delete(address);
    this.#delivery.missed(peer.forget());
  }

  greeted(greeting: Greeting): FrontNode {
    if (this.#isStopped) throw new SkeinError('unavailable', 'This node stops');
    const peer = this.#peerAt(greeting.from);
    this.#heard(peer, greeting);
    if (greeting.bye && peer.instance === greeting.instance) {
      peer.incoming.ended();
      this.#delivery.missed([...peer.unheard]);
      this.gone(greeting.from);
    }
    return this.#aboutUs(peer);
  }

  forwarded({ from, to, head, sequence, messages }: Forward): { next: number } {
    if (to !== this.#options.place.instanceId || this.#isStopped)
      throw new SkeinError('unavailable', 'This run of the node is over, or has not begun');
    const peer = this.#peerAt(from);
    peer.heardAtMs = this.#clock.elapsedMs();
    this.#delivery.missed(peer.incoming.heard(head));
    if (peer.incoming.take(head, sequence)) for (const message of messages) this.#delivery.deliver(message);
    return { next: peer.incoming.next };
  }

  /** An application connected here. */
  claim(claim: ApplicationClaim): void {
    if (this.#peers.size > 0) this.#options.bus.claim(claim);
  }

  /** When all nodes that answer know what the applications here want; undefined: now. */
  told(): Promise<void> | undefined {
    return this.#round;
  }

  get count(): number {
    let count = 0;
    for (const peer of this.#peers.values()) if (peer.isLive) count++;
    return count;
  }

  #changed(tenant: string): void {
    this.#interest.changed(tenant);
    if (this.#peers.size === 0 || this.#isStopped) return;
    this.#untold.add(tenant);
    if (this.#isGathering) return;
    this.#isGathering = true;
    const round = this.#pause(GATHER_MS).then(() => {
      this.#isGathering = false;
      return this.#tellAll();
    });
    this.#round = round;
    void round.then(() => {
      if (this.#round === round) this.#round = undefined;
    });
  }

  async #tellAll(): Promise<void> {
    const version = this.#refresh();
    const tenants = [...this.#untold];
    this.#untold.clear();
    const unknowing = () => [...this.#peers.values()].filter(peer => peer.isLive && peer.knows < version);
    const asked = unknowing().map(peer => [peer.isAnswering, this.#greet(peer)] as const);
    const answers = asked.filter(([isAnswering]) => isAnswering).map(([, answer]) => answer);
    if (answers.length > 0) await Promise.race([Promise.all(answers), this.#pause(TELL_MS)]);
    for (const peer of unknowing()) for (const tenant of tenants) peer.unheard.add(tenant);
  }

  #refresh(): number {
    if (this.#interest.refresh()) this.#version = Math.max(this.#version + 1, this.#clock.nowMs());
    return this.#version;
  }

  async #greetAll(): Promise<void> {
    const greeted = [...this.#peers.values()].map(peer => this.#greet(peer));
    if (greeted.length > 0) await Promise.race([Promise.all(greeted), this.#pause(TELL_MS)]);
  }

  async #greet(peer: Peer): Promise<void> {
    const greeting = this.#greeting(peer, false);
    const { outgoing } = peer;
    const answer = await this.#options.bus.greet(peer.address, greeting).catch(() => undefined);
    if (this.#peers.get(peer.address) !== peer || this.#isStopped) return;
    peer.isAnswering = answer !== undefined;
    if (answer === undefined) return;
    outgoing.told(greeting.head);
    this.#heard(peer, answer);
    // It has forgotten what it knew, and was not told it again.
    if (answer.knows < greeting.version && greeting.interest === null) await this.#greet(peer);
  }

  #heard(peer: Peer, about: FrontNode): void {
    if (!peer.heard(about, this.#clock.elapsedMs())) return;
    peer.knows = about.knows;
    if (peer.unheard.size > 0 && peer.knows >= this.#version) {
      const tenants = [...peer.unheard];
      peer.unheard.clear();
      this.#delivery.missed(tenants);
    }
    this.#delivery.missed(peer.incoming.heard(about.head));
  }

  #greeting(peer: Peer, bye: boolean): Greeting {
    return { from: this.#options.place.address, bye, ...this.#aboutUs(peer) };
  }

  #aboutUs(peer: Peer): FrontNode {
    const version = this.#refresh();
    const interest: readonly TenantInterest[] | null = peer.knows === version ? null : this.#interest.current();
    const { instanceId: instance } = this.#options.place;
    return { instance, version, interest, knows: peer.interest.version, head: peer.outgoing.head };
  }

  #peerAt(address: string): Peer {
    let peer = this.#peers.get(address);
    if (peer === undefined) {
      const made: Peer = new Peer(address, this.#options.audience, () => this.#newStream(() => made));
      peer = made;
      this.#peers.set(address, peer);
      this.#beatLater();
    }
    return peer;
  }

  #newStream(peer: () => Peer): OutgoingStream {
    const { place, bus, limits, figures } = this.#options;
    this.#lastStream = Math.max(this.#lastStream + 1, this.#clock.nowMs());
    const send = async (head: FrontNode['head'], { sequence, messages }: Batch): Promise<number> => {
      const { address, instance } = peer();
      if (instance === undefined) throw new SkeinError('unavailable', 'The node was not heard of');
      return (await bus.forward(address, { from: place.address, to: instance, head, sequence, messages })).next;
    };
    return new OutgoingStream(this.#lastStream, !this.#isListening, send, limits, this.#scheduler, figures);
  }

  #beatLater(): void {
    if (this.#stopBeat !== undefined || this.#isStopped) return;
    this.#stopBeat = this.#scheduler.after(BEAT_MS, () => {
      this.#stopBeat = undefined;
      for (const peer of [...this.#peers.values()]) this.#beat(peer);
      if (this.#peers.size > 0) this.#beatLater();
    });
  }

  #beat(peer: Peer): void {
    if (peer.isLive && this.#clock.elapsedMs() - peer.heardAtMs > SILENCE_MS) this.#delivery.missed(peer.forget());
    if (peer.isLive || this.#listed.has(peer.address)) void this.#greet(peer);
    else this.#peers.delete(peer.address);
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => void this.#scheduler.after(ms, resolve));
  }
}

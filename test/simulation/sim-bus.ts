/**
 * The bus between processes. Messages are lost, late, doubled and overtake each other; who is cut off may not know it, and what
 * was sent meanwhile may come when nobody expects it any more. As on Moleculer all live runs of one address hear what is sent to it.
 */
import type { Delivery, Downlink } from '../../contracts/downlinks.ts';
import type { Batch, Outcome } from '../../contracts/uplinks.ts';
import type { Chance } from './chance.ts';
import type { Noise, Ways } from './plan.ts';
import type { Life, SimClock } from './sim-clock.ts';

/** How long a process takes to notice that it is cut off, and to notice that it is not. */
const NOTICE_MS = 2_000;
const WELCOME_MS = 300;

/** What a process is to the bus. */
export interface Peer {
  readonly address: string;
  readonly life: Life;
  deliver(batch: Batch): Promise<Outcome[]>;
  push(downlinks: readonly Downlink[]): Delivery[];
}

export class Port<P extends Peer> {
  readonly peer: P;
  isReachable = true;
  cutIn = false;
  cutOut = false;
  /** What waits for the end of the cut. */
  held: (() => void)[] = [];

  constructor(peer: P) {
    this.peer = peer;
  }
}

export class SimBus<P extends Peer> {
  readonly #clock: SimClock;
  readonly #chance: Chance;
  readonly #noise: Noise;
  readonly #ports = new Map<P, Port<P>>();

  constructor(clock: SimClock, chance: Chance, noise: Noise) {
    this.#clock = clock;
    this.#chance = chance;
    this.#noise = noise;
  }

  join(peer: P): Port<P> {
    const port = new Port(peer);
    this.#ports.set(peer, port);
    return port;
  }

  leave(peer: P): void {
    this.#ports.delete(peer);
  }

  cut(peer: P, ways: Ways): void {
    const port = this.#ports.get(peer);
    if (!port) return;
    if (ways !== 'out') port.cutIn = true;
    if (ways !== 'in') port.cutOut = true;
    this.#clock.after(NOTICE_MS, null, () => {
      if (port.cutIn || port.cutOut) port.isReachable = false;
    });
  }

  heal(peer: P): void {
    const port = this.#ports.get(peer);
    if (!port) return;
    port.cutIn = false;
    port.cutOut = false;
    const held = port.held.splice(0);
    for (const work of held) this.#clock.after(this.#chance.span(0, 500), null, work);
    this.#clock.after(WELCOME_MS, null, () => {
      if (!port.cutIn && !port.cutOut) port.isReachable = true;
    });
  }

  /** One batch to whoever has that address, and the first answer that comes back. */
  call(from: P, address: string, batch: Batch, timeoutMs: number): Promise<Outcome[]> {
    return this.#request(from, address, timeoutMs, true, peer => peer.deliver(batch));
  }

  /** Downlinks: like a batch, but for that nothing would notice if they came twice. NATS does not double. */
  push(from: P, address: string, downlinks: readonly Downlink[], timeoutMs: number): Promise<Delivery[]> {
    return this.#request(from, address, timeoutMs, false, async peer => peer.push(downlinks));
  }

  #request<T>(
    from: P,
    address: string,
    timeoutMs: number,
    mayDouble: boolean,
    work: (peer: P) => Promise<T>,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const failed = (type: string) => reject(Object.assign(new Error(`the call failed: ${type}`), { type }));
    const isThere = [...this.#ports.keys()].some(it => it.address === address);
    // The registry of a node may know that another one is gone, or not yet.
    if ((!isThere || !this.#ports.get(from)?.isReachable) && this.#chance.happens(0.5)) {
      this.#clock.after(0, from.life, () => failed('unreachable'));
      return promise;
    }
    this.#clock.after(timeoutMs, from.life, () => failed('request_timeout'));
    const answer = (peer: P) =>
      work(peer).then(
        done => this.#send(peer, from, () => resolve(done)),
        error => this.#send(peer, from, () => reject(error)),
      );
    this.#send(from, address, peer => void answer(peer), mayDouble);
    return promise;
  }

  /** Something for whoever has that address. */
  tell(from: P, address: string, work: (peer: P) => void): void {
    this.#send(from, address, work);
  }

  /** Something for all others. */
  broadcast(from: P, work: (peer: P) => void): void {
    for (const peer of this.#ports.keys()) if (peer !== from) this.#send(from, peer, work);
  }

  #send(from: P, to: P | string, work: (peer: P) => void, mayDouble = true): void {
    if (from.life.isDead) return;
    const port = this.#ports.get(from);
    const on = () => {
      for (const it of this.#ports.values())
        if (it.peer === to || it.peer.address === to) this.#arrive(it, () => work(it.peer));
    };
    if (!port?.cutOut) this.#travel(on, mayDouble);
    else if (this.#chance.happens(0.5)) port.held.push(on);
  }

  #travel(work: () => void, mayDouble: boolean): void {
    const { busLost, busDoubled } = this.#noise;
    if (this.#chance.happens(busLost)) return;
    this.#clock.after(this.#delayMs(), null, work);
    if (mayDouble && this.#chance.happens(busDoubled)) this.#clock.after(this.#delayMs(), null, work);
  }

  #arrive(port: Port<P>, work: () => void): void {
    if (!port.cutIn) this.#clock.after(0, port.peer.life, work);
    else if (this.#chance.happens(0.5)) port.held.push(() => this.#arrive(port, work));
  }

  #delayMs(): number {
    return this.#chance.happens(this.#noise.busSlow) ? this.#chance.span(10, 6_000) : this.#chance.span(0.2, 2);
  }
}

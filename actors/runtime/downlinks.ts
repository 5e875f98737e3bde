import { Buffer } from 'node:buffer';
import type { CommandRecord } from '../../contracts/commands.ts';
import type { Delivery, Downlink, Egress, Output } from '../../contracts/downlinks.ts';
import type { Limits } from '../../contracts/limits.ts';
import { Gate } from './gate.ts';
import { type Clock, pause, type Scheduler } from './ports.ts';
import { TokenBucket } from './token-bucket.ts';

export type DownlinksParts = {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** The pace of commands for the devices whose actors are here. */
  readonly commandsPerSecond: () => number;
  /** The address of this process on the bus. */
  readonly address: string;
  /** The connections of this process, and those of it who wait for the end of commands. */
  readonly here: Egress & { ended(commands: readonly CommandRecord[]): void };
  /** To the connections of another node. Rejects with an error whose `type` is `unreachable` when it was certainly not sent. */
  readonly push: (address: string, downlinks: readonly Downlink[]) => Promise<readonly Delivery[]>;
  /** To those who wait at another node. Best effort: they also look for themselves. */
  readonly tell: (address: string, commands: readonly CommandRecord[]) => void;
  /** It was certainly not sent (or, `unknown`, perhaps). */
  readonly failed: (downlink: Downlink, why: Exclude<Delivery, 'sent'> | 'unknown') => void;
  readonly limits: Pick<Limits, 'downlinksPerNode' | 'downlinksPerNodeMaxBytes' | 'batchMaxMessages' | 'batchMaxBytes'>;
};

type Way = { queue: Downlink[]; bytes: number; underWay: boolean };
const LOOK_MS = 10;
const PACE_WITHOUT_SHARDS = 10;
/** What the rest of a downlink takes on the bus. */
const OVERHEAD_BYTES = 200;
const bytesOf = ({ payload }: Downlink): number => Buffer.byteLength(payload) + OVERHEAD_BYTES;

/** The way down, after the commit: to connections here at once, to those of other nodes in batches, one under way to each node, so that order is kept. */
export class Downlinks {
  readonly #parts: DownlinksParts;
  readonly #ways = new Map<string, Way>();
  readonly #gate: Gate;

  constructor(parts: DownlinksParts) {
    const { clock, scheduler, limits, commandsPerSecond, failed } = parts;
    this.#parts = parts;
    // What was committed before the last shard was handed off still leaves.
    const pace = () => Math.max(commandsPerSecond(), PACE_WITHOUT_SHARDS);
    const bucket = new TokenBucket(clock, pace);
    this.#gate = new Gate({ scheduler, limits, bucket, out: outputs => this.#out(outputs), refused: failed });
  }

  /** Downlinks that wait for other nodes, and commands that wait for their pace. */
  get waiting(): number {
    let waiting = this.#gate.waiting;
    for (const { queue } of this.#ways.values()) waiting += queue.length;
    return waiting;
  }

  release(outputs: readonly Output[]): void {
    this.#gate.release(outputs);
  }

  /** Resolves when nothing waits any more, or this time has passed; what still waits then never leaves. */
  async drain(patienceMs: number): Promise<void> {
    const { clock, scheduler } = this.#parts;
    const untilMs = clock.elapsedMs() + patienceMs;
    while (this.waiting > 0 && clock.elapsedMs() < untilMs) await pause(scheduler, LOOK_MS);
    this.#gate.stop();
  }

  #out(outputs: readonly Output[]): void {
    const { address: own, here, tell } = this.#parts;
    for (const output of outputs) {
      if (output.to === 'device') this.#send(output.place.address, output.downlink);
      else if (output.address === own) here.ended([output.ended]);
      else tell(output.address, [output.ended]);
    }
  }

  #send(address: string, downlink: Downlink): void {
    const { address: own, here, limits } = this.#parts;
    if (address === own) return this.#settle(downlink, here.deliver(downlink));
    const way = this.#wayTo(address);
    const isFull = way.queue.length >= limits.downlinksPerNode || way.bytes >= limits.downlinksPerNodeMaxBytes;
    if (isFull) return this.#settle(downlink, 'full');
    way.bytes += bytesOf(downlink);
    way.queue.push(downlink);
    if (!way.underWay) void this.#run(address, way);
  }

  #wayTo(address: string): Way {
    const known = this.#ways.get(address);
    if (known) return known;
    const made: Way = { queue: [], bytes: 0, underWay: false };
    this.#ways.set(address, made);
    return made;
  }

  async #run(address: string, way: Way): Promise<void> {
    way.underWay = true;
    while (way.queue.length > 0) {
      const batch = this.#takeBatch(way);
      const deliveries = await this.#parts.push(address, batch).catch(failureOf);
      batch.forEach((downlink, i) => {
        this.#settle(downlink, typeof deliveries === 'string' ? deliveries : (deliveries[i] ?? 'unknown'));
      });
    }
    this.#ways.delete(address);
  }

  /** As many as one message of the bus carries. */
  #takeBatch(way: Way): Downlink[] {
    const { batchMaxMessages, batchMaxBytes } = this.#parts.limits;
    let bytes = 0;
    let end = 0;
    while (end < Math.min(way.queue.length, batchMaxMessages)) {
      const next = bytesOf(way.queue[end]!);
      if (end > 0 && bytes + next > batchMaxBytes) break;
      bytes += next;
      end++;
    }
    way.bytes -= bytes;
    return way.queue.splice(0, end);
  }

  #settle(downlink: Downlink, delivery: Delivery | 'unknown'): void {
    if (delivery !== 'sent') this.#parts.failed(downlink, delivery);
  }
}

/** A node that the bus does not reach has lost its connections, as far as anybody here can tell. */
const failureOf = (error: unknown): Delivery | 'unknown' =>
  (error as { type?: unknown }).type === 'unreachable' ? 'gone' : 'unknown';

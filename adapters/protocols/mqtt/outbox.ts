/**
 * What is on its way to one client, in order, with a limit in bytes. What does not fit is not taken, and whoever wanted to send it
 * decides what that means.
 */
import type { Client } from 'aedes';
import { whenDrained } from './aedes-internals.ts';
import { encodePublish, type Publishing, type PublishPacket } from './publish-packet.ts';

/** `too_large`: the client has said that it takes no packet of this size. */
export type Posted = 'sent' | 'full' | 'too_large';
/**
 * How a socket that takes nothing is dealt with. `cuts_off`: all that may be sent is written, and if it is not taken in time the connection
 * ends. `waits`: nothing is written before what was written last has left, so it waits here, and never ends a connection.
 */
export type Manner = 'cuts_off' | 'waits';

type Waiting = PublishPacket & {
  readonly qos: 0 | 1 | 2;
  readonly cost: number;
  readonly delivered: (() => void) | undefined;
};
/** What a small message costs beside its bytes, until it is written. */
const OVERHEAD_BYTES = 256;
const LAST_ID = 65_535;

export class Outbox {
  readonly #client: Client;
  readonly #maxBytes: number;
  readonly #manner: Manner;
  #bytes = 0;
  #unwritten = 0;
  #isGathering = false;
  #isDraining = false;
  #lastId = 0;
  /** By packet identifier: whom to tell of the acknowledgement. */
  readonly #unacknowledged = new Map<number, (() => void) | undefined>();
  #waiting: Waiting[] = [];

  constructor(client: Client, maxBytes: number, manner: Manner) {
    this.#client = client;
    this.#maxBytes = maxBytes;
    this.#manner = manner;
  }

  /**
   * @param delivered called at most once: QoS 1 and 2, when the client has acknowledged it; QoS 0, when it was written. It must not throw.
   */
  push(message: Publishing, qos: 0 | 1 | 2, identifiers: readonly number[], delivered?: () => void): Posted {
    const cost = message.payload.length + message.topic.length + OVERHEAD_BYTES;
    if (this.#bytes + cost > this.#maxBytes) return 'full';
    const { bytes, idAt } = encodePublish(message, qos, identifiers, this.#client.version === 5);
    if (bytes.length > (this.#client.maximumPacketSize ?? Number.POSITIVE_INFINITY)) return 'too_large';
    this.#bytes += cost;
    const packet = { bytes, idAt, qos, cost, delivered };
    if (this.#waiting.length > 0 || !this.#maySend(qos)) this.#waiting.push(packet);
    else this.#send(packet);
    return 'sent';
  }

  /** A PUBACK or PUBCOMP came. `isRefusal`: the client did not want the message. */
  acknowledged(id: number, isRefusal: boolean): void {
    const delivered = this.#unacknowledged.get(id);
    if (!this.#unacknowledged.delete(id)) return;
    if (!isRefusal) delivered?.();
    this.#goOn();
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && this.#maySend(this.#waiting[0]!.qos)) this.#send(this.#waiting.shift()!);
  }

  /** Section 4.9: no more QoS 1 and 2 messages without answer than the client's Receive Maximum. */
  #maySend(qos: 0 | 1 | 2): boolean {
    if (this.#client.closed || (this.#manner === 'waits' && this.#unwritten > 0)) return false;
    return qos === 0 || this.#unacknowledged.size < Math.min(this.#client.receiveMaximum, LAST_ID);
  }

  #send({ bytes, idAt, qos, cost, delivered }: Waiting): void {
    if (qos > 0) bytes.writeUInt16BE(this.#take(delivered), idAt);
    this.#unwritten++;
    if (this.#manner === 'cuts_off') this.#gather();
    this.#client.conn.write(bytes, error => {
      this.#unwritten--;
      this.#bytes -= cost;
      if (error) return;
      if (qos === 0) delivered?.();
      this.#goOn();
    });
  }

  /** Section 2.2.1: a packet identifier that is not in use. */
  #take(delivered: (() => void) | undefined): number {
    do this.#lastId = this.#lastId === LAST_ID ? 1 : this.#lastId + 1;
    while (this.#unacknowledged.has(this.#lastId));
    this.#unacknowledged.set(this.#lastId, delivered);
    return this.#lastId;
  }

  /** A commit lets out many messages in one turn of the event loop: they leave as one write. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    const { conn } = this.#client;
    conn.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      conn.uncork();
      if (conn.writableNeedDrain && !this.#client.closed) this.#cutOffUnlessDrained();
    });
  }

  #cutOffUnlessDrained(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    whenDrained(this.#client, () => {
      this.#isDraining = false;
    });
  }
}

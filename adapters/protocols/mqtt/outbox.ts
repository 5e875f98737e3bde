/**
 * What is on its way to one subscriber, with a limit in bytes. A subscriber that falls behind loses QoS 0 messages; it is
 * disconnected rather than lose others, and rather than hold anybody back. What it missed is in the database.
 */
import type { Client } from 'aedes';
import type { Message } from './audience.ts';
import type { Figures } from './figures.ts';

type Delivery = {
  readonly message: Message;
  readonly qos: 0 | 1 | 2;
  readonly identifiers: readonly number[];
  readonly bytes: number;
};
/** What a small message costs beside its bytes, until it is written. */
const OVERHEAD_BYTES = 256;

export class Outbox {
  readonly #client: Client;
  readonly #figures: Figures;
  readonly #maxBytes: number;
  readonly #overflowed: () => void;
  #bytes = 0;
  #unacknowledged = 0;
  #waiting: Delivery[] = [];

  constructor(client: Client, figures: Figures, maxBytes: number, overflowed: () => void) {
    this.#client = client;
    this.#figures = figures;
    this.#maxBytes = maxBytes;
    this.#overflowed = overflowed;
  }

  push(message: Message, qos: 0 | 1 | 2, identifiers: readonly number[]): void {
    const bytes = message.payload.length + message.topic.length + OVERHEAD_BYTES;
    // Section 3.1.2.11.4: what is larger than the client takes is left out, as if it had been sent.
    if (bytes > (this.#client.maximumPacketSize ?? Number.POSITIVE_INFINITY)) {
      this.#figures.forwardsDropped++;
    } else if (this.#bytes + bytes <= this.#maxBytes) {
      this.#bytes += bytes;
      const delivery = { message, qos, identifiers, bytes };
      if (this.#waiting.length > 0 || !this.#maySend(qos)) this.#waiting.push(delivery);
      else this.#send(delivery);
    } else if (qos === 0) this.#figures.forwardsDropped++;
    else this.#overflowed();
  }

  acknowledged(): void {
    if (this.#unacknowledged > 0) this.#unacknowledged--;
    while (this.#waiting.length > 0 && this.#maySend(this.#waiting[0]!.qos)) this.#send(this.#waiting.shift()!);
  }

  /** Section 4.9: no more QoS 1 and 2 messages without answer than the client's Receive Maximum. */
  #maySend(qos: 0 | 1 | 2): boolean {
    return qos === 0 || this.#unacknowledged < this.#client.receiveMaximum;
  }

  #send({ message, qos, identifiers, bytes }: Delivery): void {
    if (qos > 0) this.#unacknowledged++;
    this.#figures.forwarded++;
    const { topic, payload, contentType } = message;
    const properties = {
      ...(contentType === '' ? {} : { contentType }),
      ...(identifiers.length === 0 ? {} : { subscriptionIdentifier: identifiers as number[] }),
    };
    this.#client.publish(
      { cmd: 'publish', topic, payload: payload as Buffer, qos, retain: false, dup: false, properties },
      () => {
        this.#bytes -= bytes;
      },
    );
  }
}

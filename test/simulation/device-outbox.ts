/** What a device has to say beside its telemetry: each message is sent over every new connection until it is acknowledged, in order. */
import type { UplinkKind } from '../../contracts/uplinks.ts';
import type { DeviceConnection } from './device-connection.ts';

type Message = { readonly kind: UplinkKind; readonly payload: Uint8Array; readonly stored: () => void };

/** Sent ahead of their acknowledgements: no more than a client's Receive Maximum would allow. */
const UNDER_WAY = 3;

export class DeviceOutbox {
  readonly #progressed: () => void;
  #waiting: Message[] = [];
  /** How many of the first ones were sent over this connection. */
  #sent = 0;
  #connection: DeviceConnection | null = null;

  /** @param progressed called when something is sent or acknowledged */
  constructor(progressed: () => void) {
    this.#progressed = progressed;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  opened(connection: DeviceConnection): void {
    this.#connection = connection;
    this.#sent = 0;
    this.#send();
  }

  closed(): void {
    this.#connection = null;
  }

  append(kind: UplinkKind, payload: Uint8Array, stored: () => void): void {
    this.#waiting.push({ kind, payload, stored });
    this.#send();
  }

  /** It was not kept anywhere. */
  lose(): void {
    this.#waiting = [];
    this.#sent = 0;
  }

  #send(): void {
    while (this.#connection !== null && this.#sent < Math.min(this.#waiting.length, UNDER_WAY)) {
      const message = this.#waiting[this.#sent++]!;
      if (this.#sent === 1) this.#progressed();
      this.#sendOver(this.#connection, message);
    }
  }

  #sendOver(connection: DeviceConnection, message: Message): void {
    connection.send(message.kind, message.payload, () => {
      const place = this.#waiting.indexOf(message);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      if (place < this.#sent) this.#sent--;
      this.#progressed();
      message.stored();
      this.#send();
    });
  }
}

/** Brings what is spooled to the server: in order, few at a time, each until the server has said something to it. */
import type { Spool, SpooledMessage } from '../storage/spool.ts';
import type { Connection, ServerLimits } from './connection.ts';
import type { Topics } from './topics.ts';

/** Topic, packet header and properties beside the payload. */
const PACKET_OVERHEAD_BYTES = 1_024;
/** The server closes the connection for these because of something that it was sent (MQTT 5, section 3.14.2.1). */
const FOR_A_MESSAGE = new Set([0x81, 0x82, 0x90, 0x95, 0x99, 0x9b]);

export type SenderOptions = {
  readonly spool: Spool;
  readonly topics: Topics;
  readonly inFlightMaxMessages: number;
  /** The server has it, or will never take it. */
  readonly onDone: (message: SpooledMessage) => void;
  readonly onError: (error: Error) => void;
};

/** The server will never take this message, so it is dropped. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly kind: SpooledMessage['kind'];
  readonly payload: Buffer;
  readonly reasonCode: number;
  constructor({ kind }: SpooledMessage, payload: Buffer, reasonCode: number) {
    super(`The server refuses a message of kind ${kind}: 0x${reasonCode.toString(16)}`);
    this.kind = kind;
    this.payload = payload;
    this.reasonCode = reasonCode;
  }
}

export class Sender {
  readonly #options: SenderOptions;
  #connection: Connection | undefined;
  #server: ServerLimits = { receiveMaximum: 1, packetMaxBytes: 0 };
  /** On their way, the oldest first, with what they carry. */
  readonly #inFlight = new Map<number, { readonly message: SpooledMessage; readonly payload: Buffer }>();
  #isFilling = false;
  #isAskedToFill = false;
  /** Under way when the server closed a connection for something that it was sent: one at a time, to show which it was. */
  readonly #suspects = new Map<number, SpooledMessage>();

  constructor(options: SenderOptions) {
    this.#options = options;
    options.spool.onAppended = () => this.#fill();
  }

  opened(connection: Connection, server: ServerLimits): void {
    this.#connection = connection;
    this.#server = server;
    this.#options.spool.rewind();
    this.#fill();
  }

  closed(reasonCode: number | null): void {
    this.#connection = undefined;
    if (reasonCode !== null && FOR_A_MESSAGE.has(reasonCode)) {
      for (const [number, { message }] of this.#inFlight) this.#suspects.set(number, message);
      const [only] = this.#inFlight.values();
      if (this.#inFlight.size === 1 && only !== undefined) this.#refused(only.message, only.payload, reasonCode);
    }
    this.#inFlight.clear();
  }

  #fill(): void {
    this.#isAskedToFill = true;
    if (!this.#isFilling) void this.#fillWhileAsked();
  }

  /** Reading is asynchronous, so one loop at a time: two would change the order. */
  async #fillWhileAsked(): Promise<void> {
    this.#isFilling = true;
    while (this.#isAskedToFill) {
      this.#isAskedToFill = false;
      await this.#fillOnce();
    }
    this.#isFilling = false;
  }

  async #fillOnce(): Promise<void> {
    while (this.#connection !== undefined && this.#inFlight.size < this.#window) {
      const connection = this.#connection;
      const message = this.#options.spool.takeNext();
      if (message === undefined) return;
      const payload = await this.#payloadOf(message);
      // The next connection has taken it again.
      if (payload === undefined || connection !== this.#connection) continue;
      if (payload.length + PACKET_OVERHEAD_BYTES > this.#server.packetMaxBytes) this.#refused(message, payload, 0x95);
      else this.#send(connection, message, payload);
    }
  }

  get #window(): number {
    // One may have made room for newer messages.
    for (const [number, message] of this.#suspects)
      if (!this.#options.spool.holds(message)) this.#suspects.delete(number);
    if (this.#suspects.size > 0) return 1;
    // One is for the question for the twin.
    return Math.max(1, Math.min(this.#options.inFlightMaxMessages, this.#server.receiveMaximum - 1));
  }

  #send(connection: Connection, message: SpooledMessage, payload: Buffer): void {
    this.#inFlight.set(message.number, { message, payload });
    void connection.publish(this.#options.topics.up[message.kind], payload).then(outcome => {
      if (outcome.state === 'lost' || connection !== this.#connection) return;
      this.#inFlight.delete(message.number);
      if (outcome.state === 'refused') this.#refused(message, payload, outcome.reasonCode);
      else this.#done(message);
      this.#fill();
    });
  }

  #refused(message: SpooledMessage, payload: Buffer, reasonCode: number): void {
    this.#done(message);
    this.#options.onError(new RefusedError(message, payload, reasonCode));
  }

  #done(message: SpooledMessage): void {
    this.#options.spool.remove(message);
    this.#options.onDone(message);
  }

  /** A message that can't be read must not keep the others waiting. */
  async #payloadOf(message: SpooledMessage): Promise<Buffer | undefined> {
    try {
      return await this.#options.spool.payloadOf(message);
    } catch (error) {
      this.#options.spool.remove(message);
      this.#options.onError(new Error(`A message of kind ${message.kind} can not be read`, { cause: error }));
      return undefined;
    }
  }
}

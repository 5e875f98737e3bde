/** One MQTT 5 connection, from CONNECT to its end. It never comes back: the next one is another object. */
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

export type ConnectionOptions = {
  readonly url: string;
  readonly username: string;
  readonly key: string;
  readonly clientId: string;
  readonly keepaliveSeconds: number;
  /** For the network and CONNACK, and again for SUBACK. */
  readonly connectTimeoutMs: number;
  /** When something waits for an acknowledgement and none comes for so long, the connection is given up. */
  readonly acknowledgementTimeoutMs: number;
  readonly tls: Pick<IClientOptions, 'ca' | 'cert' | 'rejectUnauthorized'> & { readonly key?: string | Buffer };
  readonly subscriptions: readonly string[];
};
export type ConnectionEvents = {
  /** CONNACK and SUBACK are there. */
  readonly onOpen: (server: ServerLimits) => void;
  readonly onMessage: (topic: string, payload: Buffer) => void;
  readonly onError: (error: Error) => void;
  /** Once, also when it never opened. `reasonCode`: of the server's DISCONNECT, if it sent one. */
  readonly onClose: (reasonCode: number | null) => void;
};
/** What the server says in CONNACK. */
export type ServerLimits = { readonly receiveMaximum: number; readonly packetMaxBytes: number };

/** What the server says to one message: `refused` is its last word, `lost` means that nobody knows. */
export type PublishOutcome =
  | { readonly state: 'stored' | 'lost' }
  | { readonly state: 'refused'; readonly reasonCode: number };

/** From here on reason codes are errors (MQTT 5, section 2.4). */
const FIRST_ERROR_CODE = 0x80;
const LOST: PublishOutcome = { state: 'lost' };

/** What the server said; undefined: it said nothing. */
function codeOf(error: Error): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

export class Connection {
  readonly #client: MqttClient;
  readonly #events: ConnectionEvents;
  readonly #subscriptions: readonly string[];
  readonly #unanswered = new Set<(outcome: PublishOutcome) => void>();
  #onAllAnswered: () => void = () => {};
  #isOpen = false;
  /** By us: what that cuts short is no error. */
  #isEnded = false;
  #reasonCode: number | null = null;
  #subscribing: NodeJS.Timeout | undefined;
  #acknowledging: NodeJS.Timeout | undefined;
  readonly #acknowledgementTimeoutMs: number;

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#events = events;
    this.#subscriptions = options.subscriptions;
    this.#acknowledgementTimeoutMs = options.acknowledgementTimeoutMs;
    const { tls, url, key, connectTimeoutMs, keepaliveSeconds, username, clientId } = options;
    this.#client = connect(url, {
      ...tls,
      protocolVersion: 5,
      clean: true,
      properties: { sessionExpiryInterval: 0 },
      clientId,
      username,
      password: key,
      keepalive: keepaliveSeconds,
      connectTimeout: connectTimeoutMs,
      // It would come back after a fixed time, and send messages again that we send again ourselves.
      reconnectPeriod: 0,
      resubscribe: false,
    });
    this.#listen(connectTimeoutMs);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  publish(topic: string, payload: Buffer): Promise<PublishOutcome> {
    return new Promise(resolve => {
      if (!this.#isOpen) return resolve(LOST);
      this.#unanswered.add(resolve);
      this.#acknowledging ??= setTimeout(() => this.#giveUp('No acknowledgement came'), this.#acknowledgementTimeoutMs);
      this.#client.publish(topic, payload, { qos: 1 }, error => {
        this.#unanswered.delete(resolve);
        this.#acknowledging?.refresh();
        if (this.#unanswered.size === 0) this.#allAnswered();
        if (!error) return resolve({ state: 'stored' });
        const reasonCode = codeOf(error);
        if (reasonCode === undefined) resolve(LOST);
        else resolve(reasonCode < FIRST_ERROR_CODE ? { state: 'stored' } : { state: 'refused', reasonCode });
      });
    });
  }

  /**
   * Says goodbye when there is somebody to say it to. What is sent meanwhile is lost; what was sent before may be acknowledged
   * for so long: the client would wait for ever.
   */
  async close(patienceMs: number): Promise<void> {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#isEnded = true;
    if (wasOpen && this.#unanswered.size > 0) await this.#answered(patienceMs);
    // A server that takes nothing any more would not let us go.
    const timer = setTimeout(() => this.#client.stream.destroy(), patienceMs);
    await this.#client.endAsync(!wasOpen || this.#unanswered.size > 0);
    clearTimeout(timer);
  }

  #answered(patienceMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, patienceMs);
      this.#onAllAnswered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #allAnswered(): void {
    clearTimeout(this.#acknowledging);
    this.#acknowledging = undefined;
    this.#onAllAnswered();
  }

  #giveUp(why: string): void {
    this.#events.onError(new Error(`${why}: the connection is given up`));
    this.#drop();
  }

  /** At once, and without a word. */
  #drop(): void {
    this.#isEnded = true;
    this.#client.end(true);
  }

  #listen(connectTimeoutMs: number): void {
    const { onOpen, onMessage, onError, onClose } = this.#events;
    this.#client.setMaxListeners(0);
    this.#client.on('connect', ({ properties }) => {
      const receiveMaximum = properties?.receiveMaximum ?? 65_535;
      const packetMaxBytes = properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
      this.#subscribing = setTimeout(() => this.#giveUp('No SUBACK came'), connectTimeoutMs);
      this.#client.subscribe([...this.#subscriptions], { qos: 1 }, error => {
        clearTimeout(this.#subscribing);
        if (this.#isEnded) return;
        if (error) onError(new Error(`Not subscribed: ${error.message}`, { cause: error }));
        if (error && codeOf(error) === undefined) return this.#drop();
        // Without commands there is still telemetry.
        this.#isOpen = true;
        onOpen({ receiveMaximum, packetMaxBytes });
      });
    });
    this.#client.on('message', (topic, payload) => onMessage(topic, payload));
    // Some errors, as bytes that are no MQTT, leave it open, and deaf.
    this.#client.on('error', error => {
      onError(error);
      this.#drop();
    });
    this.#client.on('disconnect', ({ reasonCode }) => {
      this.#reasonCode = reasonCode ?? null;
    });
    this.#client.once('close', () => {
      this.#isOpen = false;
      clearTimeout(this.#subscribing);
      for (const resolve of this.#unanswered) resolve(LOST);
      this.#unanswered.clear();
      this.#allAnswered();
      onClose(this.#reasonCode);
    });
  }
}

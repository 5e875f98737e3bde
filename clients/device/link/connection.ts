/** One MQTT 5 connection, from CONNECT to its end. It never comes back: the next one is another object. */
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

export type ConnectionOptions = {
  readonly url: string;
  readonly username: string;
  readonly key: string;
  readonly clientId: string;
  readonly keepaliveSeconds: number;
  readonly connectTimeoutMs: number;
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
  #reasonCode: number | null = null;

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#events = events;
    this.#subscriptions = options.subscriptions;
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
    this.#listen();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  publish(topic: string, payload: Buffer): Promise<PublishOutcome> {
    return new Promise(resolve => {
      if (!this.#isOpen) return resolve(LOST);
      this.#unanswered.add(resolve);
      this.#client.publish(topic, payload, { qos: 1 }, error => {
        this.#unanswered.delete(resolve);
        if (this.#unanswered.size === 0) this.#onAllAnswered();
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
    if (wasOpen && this.#unanswered.size > 0) await this.#answered(patienceMs);
    await this.#client.endAsync(!wasOpen || this.#unanswered.size > 0);
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

  /** At once, and without a word. */
  drop(): void {
    this.#client.end(true);
  }

  #listen(): void {
    const { onOpen, onMessage, onError, onClose } = this.#events;
    this.#client.setMaxListeners(0);
    this.#client.on('connect', ({ properties }) => {
      const receiveMaximum = properties?.receiveMaximum ?? 65_535;
      const packetMaxBytes = properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
      this.#client.subscribe([...this.#subscriptions], { qos: 1 }, error => {
        if (error) onError(new Error(`Not subscribed: ${error.message}`, { cause: error }));
        if (error && codeOf(error) === undefined) return this.drop();
        // Without commands there is still telemetry.
        this.#isOpen = true;
        onOpen({ receiveMaximum, packetMaxBytes });
      });
    });
    this.#client.on('message', (topic, payload) => onMessage(topic, payload));
    this.#client.on('error', onError);
    this.#client.on('disconnect', ({ reasonCode }) => {
      this.#reasonCode = reasonCode ?? null;
    });
    this.#client.once('close', () => {
      this.#isOpen = false;
      for (const resolve of this.#unanswered) resolve(LOST);
      this.#unanswered.clear();
      this.#onAllAnswered();
      onClose(this.#reasonCode);
    });
  }
}

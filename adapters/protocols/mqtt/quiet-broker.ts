/**
 * aedes, as the part that speaks MQTT: no message of anybody passes through its emitter. Undocumented methods that are
 * overridden: `registerClient`, `clampSessionExpiry`; `test/adapters/protocols/mqtt/aedes-internals.test.ts` watches them.
 */
import { Aedes, type AedesOptions, type Client } from 'aedes';
import { NoPersistence } from './no-persistence.ts';

type Done = (error?: Error) => void;
type Registering = { registerClient(client: Client): void };

export class QuietBroker extends Aedes {
  constructor(options: AedesOptions) {
    super({ ...options, persistence: new NoPersistence() });
  }

  /**
   * Nothing is published by aedes: devices' messages go from their session to the ingress, Wills are dropped at CONNECT,
   * and `$SYS` is nobody's business.
   */
  override publish(_packet: unknown, clientOrDone?: unknown, done?: Done): void {
    (typeof clientOrDone === 'function' ? (clientOrDone as Done) : done)?.();
  }

  /** Subscriptions are kept by the sessions; see `audience.ts`. */
  override subscribe(_topic: string, _deliver: unknown, done?: () => void): void {
    done?.();
  }

  override unsubscribe(_topic: string, _deliver: unknown, done?: () => void): void {
    done?.();
  }

  /**
   * Every session ends with its connection. MQTT 5 allows the server to say so: CONNACK then carries a Session Expiry
   * Interval of 0 (section 3.2.2.3.2). 3.1.1 leaves to the server how long it keeps state (section 4.1), and
   * `sessionPresent` 0 tells the client that there is none.
   */
  clampSessionExpiry(_seconds: number): number {
    return 0;
  }

  /** aedes would keep a client for ever that was closed between its authentication and this. */
  registerClient(client: Client): void {
    if (!client.closed) (Aedes.prototype as unknown as Registering).registerClient.call(this, client);
  }
}

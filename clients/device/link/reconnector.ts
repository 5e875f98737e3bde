/** Keeps the device connected: a new connection after each that ended, later and later while they do not last. */
import { Backoff } from './backoff.ts';
import { Connection, type ConnectionOptions, type ServerLimits } from './connection.ts';

export type ReconnectorOptions = {
  readonly connection: ConnectionOptions;
  readonly minMs: number;
  readonly maxMs: number;
  readonly goodAfterMs: number;
  readonly random: () => number;
  readonly nowMs: () => number;
  /** Before anything comes on a new connection. */
  readonly onOpening: () => void;
  readonly onOpen: (connection: Connection, server: ServerLimits) => void;
  readonly onMessage: (topic: string, payload: Buffer) => void;
  /** Only of connections that had opened. */
  readonly onClose: (reasonCode: number | null) => void;
  readonly onError: (error: unknown) => void;
};

export class Reconnector {
  readonly #options: ReconnectorOptions;
  readonly #backoff: Backoff;
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ReconnectorOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options);
  }

  get current(): Connection | undefined {
    return this.#connection?.isOpen ? this.#connection : undefined;
  }

  connect(): void {
    const { connection, goodAfterMs, nowMs, onOpening, onOpen, onMessage, onClose, onError } = this.#options;
    let openedAtMs: number | undefined;
    onOpening();
    try {
      const made = new Connection(connection, {
        onOpen: server => {
          openedAtMs = nowMs();
          onOpen(made, server);
        },
        onMessage,
        onError,
        onClose: reasonCode => {
          if (openedAtMs !== undefined && nowMs() - openedAtMs >= goodAfterMs) this.#backoff.reset();
          if (openedAtMs !== undefined) onClose(reasonCode);
          this.#connectLater();
        },
      });
      this.#connection = made;
    } catch (error) {
      onError(error);
      this.#connectLater();
    }
  }

  async stop(patienceMs: number): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#connection?.close(patienceMs);
  }

  #connectLater(): void {
    this.#connection = undefined;
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.connect(), this.#backoff.nextMs());
  }
}

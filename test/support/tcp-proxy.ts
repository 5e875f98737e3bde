/** A TCP proxy that can fail as networks do: a black hole, in one direction or both, or a port that refuses. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './free-port.ts';

/** `up`: from whoever connects to the target. `down`: the answers. */
export type Direction = 'up' | 'down';

export type TcpProxy = {
  readonly port: number;
  /**
   * From now on no byte gets through, in one direction or both. Connections stay; new ones are accepted and hang. What is
   * sent meanwhile waits, as it would in the senders' TCP, and gets through after `heal`.
   */
  cut(direction?: Direction): void;
  /** Ends all connections with RST, and refuses new ones. */
  reset(): Promise<void>;
  /** Lets everything through again, at the same port. */
  heal(): Promise<void>;
  /** How many connections there are. */
  connections(): number;
  stop(): Promise<void>;
};

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const port = await freePort();
  const blocked = { up: false, down: false };
  const pairs = new Set<Pair>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, client => {
    const pair: Pair = new Pair(client, targetPort, blocked, () => pairs.delete(pair));
    pairs.add(pair);
    pair.follow();
  });
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const close = async () => {
    const closed = server.listening ? new Promise(resolve => server.close(resolve)) : undefined;
    for (const pair of pairs) pair.reset();
    await closed;
  };
  const follow = () => {
    for (const pair of pairs) pair.follow();
  };
  await listen();
  return {
    port,
    cut(direction) {
      blocked.up ||= direction !== 'down';
      blocked.down ||= direction !== 'up';
      follow();
    },
    reset: close,
    async heal() {
      blocked.up = blocked.down = false;
      if (!server.listening) await listen();
      follow();
    },
    connections: () => pairs.size,
    stop: close,
  };
}

type Blocked = { readonly up: boolean; readonly down: boolean };

/** A connection to the proxy and, unless what it sends is held back from the start, its own one to the target. */
class Pair {
  readonly #client: Socket;
  readonly #targetPort: number;
  readonly #blocked: Blocked;
  readonly #gone: () => void;
  #target: Socket | undefined;

  constructor(client: Socket, targetPort: number, blocked: Blocked, gone: () => void) {
    this.#client = client;
    this.#targetPort = targetPort;
    this.#blocked = blocked;
    this.#gone = gone;
    client.on('error', () => {});
    client.on('close', () => this.#end());
  }

  /** Does as `blocked` says now. */
  follow(): void {
    if (this.#target === undefined && !this.#blocked.up) this.#connect();
    for (const [source, sink, direction] of this.#ways())
      if (this.#blocked[direction]) source.pause();
      else if (!sink.writableNeedDrain) source.resume();
  }

  reset(): void {
    // A reset in the middle of an orderly end leaves a handle of libuv behind, which keeps the process from exiting.
    for (const socket of [this.#client, this.#target])
      if (socket?.writableEnded) socket.destroy();
      else socket?.resetAndDestroy();
  }

  #ways(): [Socket, Socket, Direction][] {
    const [client, target] = [this.#client, this.#target];
    if (target === undefined) return [];
    return [
      [client, target, 'up'],
      [target, client, 'down'],
    ];
  }

  #connect(): void {
    const target = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#target = target;
    target.on('error', () => {});
    target.on('close', () => this.#end());
    for (const [source, sink] of this.#ways()) {
      source.on('data', chunk => {
        if (!sink.write(chunk)) source.pause();
      });
      source.on('end', () => sink.end());
      sink.on('drain', () => this.follow());
    }
  }

  #end(): void {
    this.#gone();
    for (const socket of [this.#client, this.#target]) {
      // What was written to the other one still gets there.
      if (socket !== undefined && !socket.destroyed) socket.destroySoon();
    }
  }
}

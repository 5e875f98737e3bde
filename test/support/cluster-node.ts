/** One node of a cluster: it comes and goes, its name, ports and folder stay. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from './server-process.ts';
import { type Skein, startSkein } from './skein.ts';
import type { Direction, TcpProxy } from './tcp-proxy.ts';

export type ClusterNodeOptions = {
  readonly id: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly dataDir: string;
  readonly databaseProxy: TcpProxy;
  readonly natsProxy: TcpProxy | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Asks the database which run of a process is this node now. */
  readonly instanceOf: () => Promise<string>;
};

const OUTPUT_SHOWN_CHARACTERS = 3_000;

export class ClusterNode {
  readonly id: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  /** The run of its process: of the present one, or of the last. */
  instanceId = '';
  /** How its process ended that nobody here had asked to end. */
  ownEnd: Exit | undefined;
  readonly #options: ClusterNodeOptions;
  #process: Skein | undefined;
  #last: Skein | undefined;
  #paused = false;
  #cutOff = new Set<'database' | 'nats'>();

  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.mqttPort = options.mqttPort;
    this.httpPort = options.httpPort;
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Whether it can be expected to do something: it runs, is not paused, and reaches the database and the bus. */
  get able(): boolean {
    return this.running && !this.#paused && this.#cutOff.size === 0;
  }

  /** What the registration of devices needs. Throws while it does not run. */
  get skein(): Skein {
    if (this.#process === undefined) throw new Error(`Node ${this.id} does not run`);
    return this.#process;
  }

  /** The end of what its last process wrote. */
  output(): string {
    return this.#last?.output().slice(-OUTPUT_SHOWN_CHARACTERS) ?? '';
  }

  /** Starts it under its own name. Rejects with its output when it does not become ready. */
  async start(): Promise<void> {
    if (this.running) throw new Error(`Node ${this.id} runs already`);
    const process = await this.#spawn(this.#options.dataDir, this.mqttPort, this.httpPort);
    this.#process = this.#last = process;
    this.#paused = false;
    this.ownEnd = undefined;
    void process.exited.then(exit => {
      if (this.#process !== process) return;
      this.#process = undefined;
      this.ownEnd = exit;
    });
    this.instanceId = await this.#options.instanceOf();
  }

  /** Starts another process that believes that it is this node, in its own folder. Rejects when it ends before it is ready. */
  startDuplicate(): Promise<Skein> {
    return this.#spawn(`${this.#options.dataDir}-duplicate`, 0, 0);
  }

  /** SIGTERM: it hands off what it has and ends. */
  async stop(): Promise<Exit> {
    const process = this.#take();
    return process.stop();
  }

  async kill(): Promise<Exit> {
    return this.#take().kill('SIGKILL');
  }

  pause(): void {
    process.kill(this.skein.pid, 'SIGSTOP');
    this.#paused = true;
  }

  resume(): void {
    process.kill(this.skein.pid, 'SIGCONT');
    this.#paused = false;
  }

  cutFrom(what: 'database' | 'nats', direction?: Direction): void {
    this.#proxyTo(what).cut(direction);
    this.#cutOff.add(what);
  }

  async heal(what: 'database' | 'nats'): Promise<void> {
    await this.#proxyTo(what).heal();
    this.#cutOff.delete(what);
  }

  /** Resolves to how its process ended by itself; undefined when it did not within `patienceMs`. */
  async endsByItself(patienceMs: number): Promise<Exit | undefined> {
    if (this.#process === undefined) return this.ownEnd;
    const timeout = new AbortController();
    const { signal } = timeout;
    return Promise.race([
      this.#process.exited,
      sleep(patienceMs, undefined, { signal }).catch(() => undefined),
    ]).finally(() => timeout.abort());
  }

  /** Ends everything of it, for ever. Its folder is the cluster's. */
  async remove(): Promise<void> {
    if (this.running) await this.kill();
    await this.#options.databaseProxy.stop();
    await this.#options.natsProxy?.stop();
  }

  #proxyTo(what: 'database' | 'nats'): TcpProxy {
    const { databaseProxy, natsProxy } = this.#options;
    const proxy = what === 'database' ? databaseProxy : natsProxy;
    if (proxy === undefined) throw new Error('This cluster has no bus');
    return proxy;
  }

  #spawn(dataDir: string, mqttPort: number, httpPort: number): Promise<Skein> {
    const { id, env } = this.#options;
    const own = { SKEIN_NODE_ID: id, SKEIN_MQTT_PORT: String(mqttPort), SKEIN_HTTP_PORT: String(httpPort) };
    return startSkein({ dataDir, env: { ...env, ...own } });
  }

  /** Its process, which is about to be ended: so its end is not its own. */
  #take(): Skein {
    const process = this.skein;
    this.#process = undefined;
    return process;
  }
}

/** Kills the server, its database or devices, and starts them again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresServer } from '../../support/postgres.ts';
import type { ServerProcess } from '../../support/server-process.ts';
import type { Skein } from '../../support/skein.ts';
import type { Chance } from '../random.ts';
import type { DeviceProcess } from './device-process.ts';

export type Kills = { server: number; database: number; devices: number; pauses: number };
export type KillerOptions = {
  /** Starts the server on its data, at its ports. */
  readonly start: (spawned?: (process: ServerProcess) => void) => Promise<Skein>;
  readonly postgres: PostgresServer | undefined;
  readonly chance: Chance;
  /** Each as likely as it appears. Without it: all. */
  readonly whom?: readonly Whom[] | undefined;
  readonly log: (line: string) => void;
};

/** How often each is chosen. */
const WHOM = ['server', 'server', 'server', 'devices', 'devices', 'devices', 'devices', 'pause'] as const;
const WHOM_WITH_DATABASE = [...WHOM, 'database', 'both'] as const;
export type Whom = (typeof WHOM_WITH_DATABASE)[number];
const DATABASE_AWAY_MS = { from: 0, to: 1_000 };
const PAUSE_MS = { from: 1_000, to: 3_000 };
const DEVICES_AWAY_MS = { from: 0, to: 1_500 };
const STARTING_KILL_AFTER_MS = { from: 50, to: 1_000 };
/** One in so many kills strikes a server that is still starting. */
const STARTING_KILL_ONE_IN = 10;

export class Killer {
  readonly kills: Kills = { server: 0, database: 0, devices: 0, pauses: 0 };
  /** Times that the server ended although nobody had killed it. */
  ownEnds = 0;
  readonly #options: KillerOptions;
  readonly #away = new Map<DeviceProcess, Promise<void>>();
  #server: Skein | undefined;

  constructor(options: KillerOptions) {
    this.#options = options;
  }

  get count(): number {
    const { server, database, devices, pauses } = this.kills;
    return server + database + devices + pauses;
  }
  get output(): string {
    return this.#server?.output() ?? '';
  }

  async begin(): Promise<Skein> {
    this.#server = await this.#options.start();
    return this.#server;
  }

  /** Resolves when the server works again; devices may still be away. */
  async strike(devices: readonly DeviceProcess[]): Promise<void> {
    const { chance, postgres, log } = this.#options;
    const whom = chance.pick(this.#options.whom ?? (postgres ? WHOM_WITH_DATABASE : WHOM));
    log(`kill ${this.count + 1}: ${whom}`);
    if (whom === 'devices') return this.#killDevices(chance.pick(devices));
    if (whom === 'pause') return this.#pause();
    const killed: Promise<unknown>[] = [];
    if (whom !== 'server') killed.push(this.#killDatabase());
    if (whom !== 'database') killed.push(this.#killServer());
    await Promise.all(killed);
    if (whom !== 'server') {
      await sleep(chance.between(DATABASE_AWAY_MS.from, DATABASE_AWAY_MS.to));
      await postgres!.restart();
    }
    if (whom !== 'database') await this.#startServer();
  }

  async startIfEnded(): Promise<void> {
    const ended = await Promise.race([this.#server!.exited, sleep(0)]);
    if (!ended) return;
    this.ownEnds++;
    this.#options.log(`the server ended by itself:\n${this.output}`);
    await this.begin();
  }

  async devicesAreBack(): Promise<void> {
    await Promise.all(this.#away.values());
  }

  /** In order. */
  async stop(): Promise<void> {
    await this.#server!.stop();
  }

  async end(): Promise<void> {
    await this.devicesAreBack();
    await this.#server?.kill('SIGKILL');
  }

  async #killDevices(devices: DeviceProcess): Promise<void> {
    const { chance } = this.#options;
    await this.#away.get(devices);
    this.kills.devices++;
    await devices.kill();
    const back = sleep(chance.between(DEVICES_AWAY_MS.from, DEVICES_AWAY_MS.to)).then(() => devices.start());
    this.#away.set(devices, back);
  }

  async #pause(): Promise<void> {
    const { between } = this.#options.chance;
    this.kills.pauses++;
    const { pid } = this.#server!;
    signalIfThere(pid, 'SIGSTOP');
    await sleep(between(PAUSE_MS.from, PAUSE_MS.to));
    signalIfThere(pid, 'SIGCONT');
  }

  /** The immediate shutdown: as after a power cut, the log is replayed. */
  async #killDatabase(): Promise<void> {
    this.kills.database++;
    await this.#options.postgres!.kill('SIGQUIT');
  }

  async #killServer(): Promise<void> {
    this.kills.server++;
    await this.#server!.kill('SIGKILL');
  }

  /** Starts the server, and now and then kills it while it does. */
  async #startServer(): Promise<void> {
    const { chance, start } = this.#options;
    while (chance.between(1, STARTING_KILL_ONE_IN) === 1) {
      const afterMs = chance.between(STARTING_KILL_AFTER_MS.from, STARTING_KILL_AFTER_MS.to);
      this.kills.server++;
      const killing: Promise<unknown>[] = [];
      await start(process => killing.push(sleep(afterMs).then(() => process.kill('SIGKILL')))).catch(error => {
        // It is meant to fail; that it could not even try is another matter.
        if (killing.length === 0) throw error;
      });
      await Promise.all(killing);
    }
    await this.begin();
  }
}

/** One that has ended by itself is found out, and told, elsewhere. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Devices and applications with commands between them, wherever the server is and whatever happens to it. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '../../../bench/measure/stored.ts';
import { COMMAND_STATES, isOpen } from '../../../contracts/commands.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Chance } from '../random.ts';
import { CommandCaller } from './command-caller.ts';
import { compareCommands } from './command-comparison.ts';
import type { CommandFindings } from './command-findings.ts';
import type { Target, Times } from './command-orders.ts';
import { DeviceProcess } from './device-process.ts';
import { RestCaller } from './rest-caller.ts';
import { readCommands, readDeadLetters } from './stored-commands.ts';

export type Fleet = {
  /** How many processes, and how many devices in each. */
  readonly library: { readonly processes: number; readonly devices: number };
  readonly plain: { readonly processes: number; readonly devices: number };
  readonly absent: number;
};
export type TrafficOptions = {
  /** MQTT, for the devices. */
  readonly mqttUrl: string;
  /** REST, of whoever is to be asked this time. */
  readonly restUrl: () => string;
  readonly adminKey: string;
  /** Resolves to the keys of new devices, in order. */
  readonly register: (ids: readonly string[]) => Promise<readonly { deviceId: string; apiKey: string }[]>;
  readonly fleet: Fleet;
  readonly times: Times;
  readonly commandsPerSecond: number;
  readonly chance: Chance;
  /** The control: devices of the library that remember no command. */
  readonly forgets?: boolean;
};

/** So that a run sees many of them. */
export const COMMAND_LIMITS = {
  SKEIN_LIMIT_COMMAND_RETRY_MS: '500',
  SKEIN_LIMIT_COMMAND_RETRY_MAX_MS: '4000',
  SKEIN_LIMIT_COMMAND_WINDOW: '4',
} as const;
/** How late an end may be found out that only time brings. */
const END_PATIENCE_MS = 60_000;
const OPEN_STATES = COMMAND_STATES.filter(isOpen);

export class CommandTraffic {
  readonly devices: readonly DeviceProcess[];
  readonly caller: CommandCaller;
  readonly rest: RestCaller;
  readonly #options: TrafficOptions;
  readonly #folder: string;

  private constructor(options: TrafficOptions, folder: string, devices: readonly DeviceProcess[], absent: Target[]) {
    this.#options = options;
    this.#folder = folder;
    this.devices = devices;
    this.rest = new RestCaller(options.restUrl, options.adminKey);
    const connected = devices.flatMap(({ settings: { kind, devices: its } }) =>
      its.map(({ deviceId }) => ({ deviceId, kind })),
    );
    this.caller = new CommandCaller({ ...options, rest: this.rest, targets: [...connected, ...absent] });
  }

  static async start(options: TrafficOptions): Promise<CommandTraffic> {
    const folder = await mkdtemp(join(tmpdir(), 'skein-commands-'));
    const { fleet, register, mqttUrl: url, forgets = false } = options;
    const processes: DeviceProcess[] = [];
    for (const kind of ['library', 'plain'] as const)
      for (let number = 1; number <= fleet[kind].processes; number++) {
        const ids = Array.from({ length: fleet[kind].devices }, (_, i) => `${kind}-${number}-${i + 1}`);
        const devices = (await register(ids)).map(({ deviceId, apiKey: key }) => ({ deviceId, key }));
        const place = join(folder, `${kind}-${number}`);
        await mkdir(place);
        processes.push(new DeviceProcess({ kind, url, folder: place, devices, forgets }));
      }
    const absent = Array.from({ length: fleet.absent }, (_, i) => `absent-${i + 1}`);
    await register(absent);
    const targets = absent.map(deviceId => ({ deviceId, kind: 'absent' as const }));
    return new CommandTraffic(options, folder, processes, targets);
  }

  /** In words, processes of devices that ended although nobody had killed them. */
  get ownEnds(): string[] {
    return this.devices.flatMap(({ ownEnds, output, settings }) =>
      ownEnds === 0 ? [] : [`${settings.folder} ended by itself ${ownEnds} times:\n${output}`],
    );
  }

  /**
   * Asks for nothing new, and waits until every command has ended. Answers in words what did not.
   *
   * @param patienceMs after which what is still open is taken back
   */
  async drain(patienceMs = Number.POSITIVE_INFINITY): Promise<string[]> {
    const longestMs = Math.max(this.#options.times.longTtlMs, this.#options.times.shortTtlMs.to);
    const problems: string[] = [];
    if (!(await this.caller.stop(END_PATIENCE_MS))) problems.push('Some commands were never answered');
    const cancelAtMs = performance.now() + patienceMs;
    const endMs = performance.now() + longestMs + END_PATIENCE_MS;
    while (performance.now() < endMs) {
      const open = await this.#open();
      if (open?.length === 0) return problems;
      if (performance.now() > cancelAtMs) await Promise.all((open ?? []).map(id => this.#cancel(id)));
      await sleep(200);
    }
    return [...problems, `Some commands were open ${END_PATIENCE_MS} ms after the last deadline`];
  }

  /** @param connection past the server, which has stopped when it is PGlite */
  async compare(connection: Pick<Connection, 'query'>): Promise<CommandFindings> {
    const ledgers = (await Promise.all(this.devices.map(it => it.ledgers()))).flat();
    const commands = await readCommands(connection);
    const deadLetters = await readDeadLetters(connection);
    const { asked } = this.caller;
    return compareCommands({ commands, ledgers, asked, deadLetters, transitionsMax: LIMITS.commandMaxTransitions });
  }

  /** Kills the devices. What they wrote is there until `remove`. */
  async stopDevices(): Promise<void> {
    await Promise.all(this.devices.map(it => it.kill()));
  }

  async remove(): Promise<void> {
    await this.caller.stop(0);
    await this.stopDevices();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Some of those that are open; undefined: nobody could say. */
  async #open(): Promise<string[] | undefined> {
    const lists = OPEN_STATES.map(state => this.rest.ask({ method: 'GET', path: `/commands?limit=50&state=${state}` }));
    const answers = await Promise.all(lists);
    if (answers.some(it => it.status !== 200)) return undefined;
    return answers.flatMap(it => it.body.items as { id: string }[]).map(it => it.id);
  }

  #cancel(id: string): Promise<unknown> {
    return this.rest.ask({ method: 'POST', path: `/commands/${id}/cancel`, body: {} });
  }
}

/** Twins that change all the time, while anything happens to the server and to devices. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '../../../bench/measure/stored.ts';
import type { DeviceProcess } from '../commands/device-process.ts';
import type { RestCaller } from '../commands/rest-caller.ts';
import { type Counting, Desiring, Reporting } from './counting.ts';
import { readCounter } from './stored-twins.ts';
import type { Counted } from './twin-account.ts';
import { compareTwins } from './twin-comparison.ts';

export type TwinOptions = {
  readonly rest: RestCaller;
  readonly mqttUrl: string;
  readonly register: (ids: readonly string[]) => Promise<readonly { deviceId: string; apiKey: string }[]>;
  /** Of the library: something is desired of the first device of each. */
  readonly devices: readonly DeviceProcess[];
};
export type TwinReport = { readonly changes: number; readonly problems: readonly string[] };

const REPORTERS = ['reporter-1', 'reporter-2'];
const APPLY_PATIENCE_MS = 30_000;

export class TwinTraffic {
  readonly #rest: RestCaller;
  readonly #counting: readonly Counting[];
  readonly #appliers = new Map<string, DeviceProcess>();
  #stopped: Promise<void> | undefined;

  private constructor(
    { rest, devices, mqttUrl }: TwinOptions,
    reporters: readonly { deviceId: string; apiKey: string }[],
  ) {
    this.#rest = rest;
    for (const it of devices)
      if (it.settings.kind === 'library') this.#appliers.set(it.settings.devices[0]!.deviceId, it);
    this.#counting = [
      ...[...this.#appliers.keys()].map(deviceId => new Desiring(deviceId, rest)),
      ...reporters.map(({ deviceId, apiKey }) => new Reporting(deviceId, apiKey, mqttUrl)),
    ];
  }

  static async start(options: TwinOptions): Promise<TwinTraffic> {
    return new TwinTraffic(options, await options.register(REPORTERS));
  }

  /** Changes nothing more, and waits until devices are what they are desired to be. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#counting.map(it => it.stop()));
    const endMs = performance.now() + APPLY_PATIENCE_MS;
    while (performance.now() < endMs && !(await this.#allApplied())) await sleep(200);
  }

  /** While the ledgers of the devices are still there. @param connection past the server, which has stopped when it is PGlite */
  async compare(connection: Pick<Connection, 'query'>): Promise<TwinReport> {
    const counted: Counted[] = [];
    for (const { deviceId, document, acknowledged, hasUnknown } of this.#counting) {
      const stored = await readCounter(connection, deviceId, document);
      const applied = await this.#appliers.get(deviceId)?.applied(deviceId);
      // The others report, and apply nothing.
      const last = applied && Number(applied.at(-1)?.counter ?? 0);
      counted.push({ deviceId, document, acknowledged, hasUnknown, stored, applied: last });
    }
    const changes = counted.reduce((sum, it) => sum + it.acknowledged, 0);
    return { changes, problems: [...this.#counting.flatMap(it => it.problems), ...compareTwins(counted)] };
  }

  async #allApplied(): Promise<boolean> {
    const answers = await Promise.all(
      [...this.#appliers.keys()].map(id => this.#rest.ask({ method: 'GET', path: `/devices/${id}/twin` })),
    );
    return answers.every(
      ({ status, body }) => status === 200 && Object.keys(body.delta ?? { unknown: 0 }).length === 0,
    );
  }
}

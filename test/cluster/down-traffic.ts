/** What goes down to devices while scenarios happen: commands, asked for at any node, and twins that are to change. */
import type { Connection } from '../../bench/measure/stored.ts';
import type { CommandFindings } from '../faults/commands/command-findings.ts';
import type { Times } from '../faults/commands/command-orders.ts';
import { CommandTraffic, type Fleet } from '../faults/commands/command-traffic.ts';
import { type Chance, chance } from '../faults/random.ts';
import { type TwinReport, TwinTraffic } from '../faults/twins/twin-traffic.ts';
import type { Cluster } from '../support/cluster.ts';
import { registerDevices } from '../support/skein.ts';
import { type Balancer, startBalancer } from './balancer.ts';

export type DownReport = {
  readonly commands: CommandFindings;
  readonly twins: TwinReport;
  /** What should not be besides, in words. */
  readonly problems: readonly string[];
};

const FLEET: Fleet = { library: { processes: 2, devices: 3 }, plain: { processes: 1, devices: 3 }, absent: 1 };
/** Shorter than most scenarios, and longer: both is to happen. */
const TIMES: Times = { shortTtlMs: { from: 3_000, to: 10_000 }, longTtlMs: 30_000 };
const COMMANDS_PER_SECOND = 8;
/** The last deadlines are not waited for. */
const DRAIN_PATIENCE_MS = 5_000;

export class DownTraffic {
  readonly #balancer: Balancer;
  readonly #commands: CommandTraffic;
  readonly #twins: TwinTraffic;

  private constructor(balancer: Balancer, commands: CommandTraffic, twins: TwinTraffic) {
    this.#balancer = balancer;
    this.#commands = commands;
    this.#twins = twins;
  }

  static async start(cluster: Cluster, { next }: Chance): Promise<DownTraffic> {
    const balancer = await startBalancer(() => cluster.mqttPorts());
    const { skein } = cluster.nodes[0]!;
    let asked = 0;
    const mqttUrl = `mqtt://127.0.0.1:${balancer.port}`;
    const register = (ids: readonly string[]) => registerDevices(skein, ids);
    const commands = await CommandTraffic.start({
      mqttUrl,
      restUrl: () => `http://127.0.0.1:${cluster.nodes[asked++ % cluster.nodes.length]!.httpPort}`,
      adminKey: skein.adminKey,
      register,
      fleet: FLEET,
      times: TIMES,
      commandsPerSecond: COMMANDS_PER_SECOND,
      // Of its own: the scenarios must not depend on how many were asked for.
      chance: chance(Math.floor(next() * 2 ** 32)),
    });
    const { rest, devices } = commands;
    return new DownTraffic(balancer, commands, await TwinTraffic.start({ rest, mqttUrl, register, devices }));
  }

  /** Commands that were taken. */
  get accepted(): number {
    return this.#commands.caller.accepted;
  }

  /** Asks for nothing new, and waits until what was asked for has ended. The nodes must run. */
  async drain(): Promise<string[]> {
    const [problems] = await Promise.all([this.#commands.drain(DRAIN_PATIENCE_MS), this.#twins.stop()]);
    const refusals = Object.entries(this.#commands.caller.refusals);
    await this.#commands.stopDevices();
    return [...problems, ...this.#commands.ownEnds, ...refusals.map(([what, count]) => `${count} answers ${what}`)];
  }

  /** @param problems of `drain` @param connection past the nodes */
  async compare(connection: Pick<Connection, 'query'>, problems: readonly string[]): Promise<DownReport> {
    return {
      commands: await this.#commands.compare(connection),
      twins: await this.#twins.compare(connection),
      problems,
    };
  }

  async remove(): Promise<void> {
    await this.#commands.remove();
    await this.#balancer.stop();
  }
}

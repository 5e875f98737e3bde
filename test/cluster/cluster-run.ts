/** A cluster under load, to which scenarios happen; at the end every promise is checked. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadDevice } from '../../bench/load/load.ts';
import { connectTo, readIds } from '../../bench/measure/stored.ts';
import { COMMAND_LIMITS } from '../faults/commands/command-traffic.ts';
import { compareStored } from '../faults/compare-stored.ts';
import type { Chance } from '../faults/random.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { type Load, startLoad } from '../support/mqtt-load.ts';
import { registerDevices } from '../support/skein.ts';
import { DownTraffic } from './down-traffic.ts';
import { checkOrder, installOrderWatch } from './order-watch.ts';
import { OwnershipWatch } from './ownership-watch.ts';
import type { RunReport, ScenarioReport } from './reports.ts';
import type { Scenario } from './scenario.ts';
import { Supervisor } from './supervisor.ts';

export type ClusterRunOptions = {
  readonly chance: Chance;
  readonly nodes?: number;
  /** False: no bus, so one node; to try what is here by itself. */
  readonly bus?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
};

const DEVICES = 60;
const WINDOW = 10;
/** Little enough that two cores carry three nodes, the database and the load. */
const MESSAGES_PER_SECOND = 400;
/** A device gives up a connection on which nothing comes, as MQTT clients do with their keep alive. */
const SILENCE_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;
const RECONNECT_DELAY_MS = 200;
const OWNERSHIP_PATIENCE_MS = 40_000;
const PROGRESS_PATIENCE_MS = 40_000;
const DRAIN_TIMEOUT_MS = 60_000;

/** Resolves when the nodes are ready and every device was acknowledged something. */
export async function startClusterRun(options: ClusterRunOptions): Promise<ClusterRun> {
  const run = await prepare(options);
  try {
    await run.begin();
    return run;
  } catch (error) {
    await run.end();
    throw error;
  }
}

async function prepare(options: ClusterRunOptions): Promise<ClusterRun> {
  const { nodes = 3, bus = true, env = {} } = options;
  const cluster = await startCluster({ nodes, bus, env: { ...COMMAND_LIMITS, ...env } });
  try {
    const devices = await registerAll(cluster);
    const down = await DownTraffic.start(cluster, options.chance);
    try {
      const load = await startLoad({
        port: cluster.mqttPorts(),
        devices,
        window: WINDOW,
        reconnectDelayMs: RECONNECT_DELAY_MS,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        silenceTimeoutMs: SILENCE_TIMEOUT_MS,
      });
      return new ClusterRun(options, cluster, { load, devices, down });
    } catch (error) {
      await down.remove();
      throw error;
    }
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Every second device gives its messages ids instead of timestamps. */
async function registerAll(cluster: Cluster): Promise<LoadDevice[]> {
  const ids = Array.from({ length: DEVICES }, (_, i) => `d${i + 1}`);
  const registered = await registerDevices(cluster.nodes[0]!.skein, ids);
  await installOrderWatch((sql, params) => cluster.query(sql, params), ids);
  return registered.map(({ deviceId, apiKey }, i) => {
    const payload = i % 2 === 1 ? 'messageId' : 'timestamp';
    return { deviceId, username: deviceId, password: apiKey, payload };
  });
}

type Traffic = { readonly load: Load; readonly devices: readonly LoadDevice[]; readonly down: DownTraffic };

export class ClusterRun {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly #options: ClusterRunOptions;
  readonly #devices: readonly LoadDevice[];
  readonly #down: DownTraffic;
  readonly #ownership: OwnershipWatch;
  readonly #supervisor: Supervisor;
  readonly #baseMs = Date.now() - 3_600_000;
  readonly #scenarios: ScenarioReport[] = [];

  constructor(options: ClusterRunOptions, cluster: Cluster, { load, devices, down }: Traffic) {
    this.#options = options;
    this.cluster = cluster;
    this.load = load;
    this.#devices = devices;
    this.#down = down;
    this.#ownership = new OwnershipWatch(cluster);
    this.#supervisor = new Supervisor(cluster);
  }

  async begin(): Promise<void> {
    this.#ownership.start();
    const pace = { kind: 'open', messagesPerSecond: MESSAGES_PER_SECOND, whenFull: 'delay' } as const;
    await this.load.begin({ pace, baseMs: this.#baseMs });
    await this.settle();
  }

  /** Lets a scenario happen, waits until the cluster works again, and starts the nodes that ended. */
  async strike(scenario: Scenario): Promise<ScenarioReport> {
    const { chance, log = () => {} } = this.#options;
    const before = await this.load.report();
    await this.load.mark();
    this.#ownership.mark();
    const settle = () => this.settle();
    const problem = await scenario
      .run({ cluster: this.cluster, chance, settle, log })
      .then(settle)
      .then(
        () => undefined,
        (error: Error) => error.message,
      );
    const after = await this.load.report();
    const devices = await this.load.devices();
    const { longestMs: unownedMs } = this.#ownership;
    const restarted = await this.#supervisor.startEnded().then(
      () => undefined,
      (error: Error) => error.message,
    );
    await this.load.moveTo(this.cluster.mqttPorts());
    const { ownEnds, crashes } = this.#supervisor.takeEnds();
    const problems = [problem, restarted, ...crashes].filter(it => it !== undefined);
    const report: ScenarioReport = {
      name: scenario.name,
      unownedMs,
      longestGapMs: Math.max(...devices.map(it => it.longestGapMs)),
      longestWaitMs: Math.max(...devices.map(it => it.longestWaitMs)),
      lost: after.lost - before.lost,
      timeouts: after.timeouts - before.timeouts,
      refusals: after.refusals - before.refusals,
      ownEnds,
      problem: problems.length > 0 ? problems.join('\n') : undefined,
    };
    this.#scenarios.push(report);
    if (report.problem !== undefined) {
      log(`NOT AS IT SHOULD BE: ${report.problem}`);
      for (const node of this.cluster.nodes) log(`What ${node.id} wrote last:\n${node.output()}`);
    }
    return report;
  }

  /** Waits until every shard has an owner that is able, and since then every device was acknowledged something, and a command was taken. */
  async settle(): Promise<void> {
    await this.#until(OWNERSHIP_PATIENCE_MS, 'Not every shard has an owner', () => this.#ownership.look());
    const before = await this.load.devices();
    const { accepted } = this.#down;
    await this.#until(PROGRESS_PATIENCE_MS, 'Not every device is acknowledged', async () => {
      const stuck = (await this.load.devices()).filter((it, i) => it.acknowledged === before[i]!.acknowledged);
      return stuck.map(it => `${it.deviceId} at port ${it.port}${it.connected ? '' : ' (not connected)'}`).join(', ');
    });
    await this.#until(PROGRESS_PATIENCE_MS, 'No command is taken', async () =>
      this.#down.accepted > accepted ? '' : `${accepted} until then`,
    );
  }

  /** Ends the load and holds what was promised against what is stored. */
  async finish(): Promise<RunReport> {
    const [drained, downProblems] = await Promise.all([this.load.drain(DRAIN_TIMEOUT_MS), this.#down.drain()]);
    const order = await checkOrder((sql, params) => this.cluster.query(sql, params));
    const ledger = await this.load.ledger();
    await this.load.stop();
    const badStops = await this.#supervisor.stopAll();
    const connection = await connectTo({ engine: 'postgres', url: this.cluster.postgres.url });
    try {
      const baseMs = this.#baseMs;
      const named = this.#devices.map(({ deviceId, payload }, number) => ({ deviceId, payload, number, baseMs }));
      const findings = await compareStored(connection, await readIds(connection), named, ledger);
      const down = await this.#down.compare(connection, downProblems);
      // An answer to a command that has ended comes late and is kept; nothing else may be.
      const rows = await connection.query(
        `SELECT reason, count(*)::int AS count FROM dead_letter WHERE reason <> 'command_not_open' GROUP BY reason`,
      );
      const deadLetters = Object.fromEntries(rows.map(row => [row.reason as string, row.count as number]));
      return { scenarios: this.#scenarios, findings, down, order, deadLetters, drained, badStops };
    } finally {
      await connection.close();
    }
  }

  /** Ends everything, whatever its state. */
  async end(): Promise<void> {
    await this.load.stop();
    await this.#down.remove();
    await this.#ownership.stop();
    await this.cluster.stop();
  }

  /** Nodes that end meanwhile are started again, as whatever supervises them would. */
  async #until(patienceMs: number, what: string, missing: () => Promise<string>): Promise<void> {
    const endMs = performance.now() + patienceMs;
    for (;;) {
      await this.#supervisor.startThoseThatEndedThemselves();
      const told = await missing();
      if (told === '') return;
      if (performance.now() > endMs) throw new Error(`${what} after ${patienceMs} ms: ${told}`);
      await sleep(20);
    }
  }
}

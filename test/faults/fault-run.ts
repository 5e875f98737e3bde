/**
 * The ledger test: devices send as fast as they are answered, the server (and PostgreSQL) is killed at random moments and
 * started again on the same data, the devices send again what was not acknowledged. At the end every acknowledgement
 * must be found in the database, once, with its values.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS_RAISED } from '../../bench/measure/raised-limits.ts';
import type { Connection } from '../../bench/measure/stored.ts';
import { makeSubject, type Running, type Subject, type SubjectName } from '../../bench/measure/subjects.ts';
import { freePort } from '../support/free-port.ts';
import { type Load, startLoad } from '../support/mqtt-load.ts';
import { startPostgres } from '../support/postgres.ts';
import { compareStored } from './compare-stored.ts';
import type { Findings } from './ledger-comparison.ts';
import { type Chance, chance } from './random.ts';

export type FaultRunOptions = {
  readonly engine: 'pglite' | 'postgres';
  readonly kills: number;
  readonly seed: number;
  readonly subject?: SubjectName;
  /** Settings of the server besides the limits that this run needs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
};
export type FaultReport = {
  readonly findings: Findings;
  /** How many messages were refused, by reason. Every one is well made, so there must be none. */
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly serverKills: number;
  readonly databaseKills: number;
  /** Times that the server ended although nobody had killed it. */
  readonly ownEnds: number;
  /** Nothing waited for its acknowledgement when the run ended. */
  readonly drained: boolean;
};

const DEVICES = 40;
const WINDOW = 10;
/** Acknowledged messages between two kills: so every kill strikes a system that works. */
const MESSAGES_BETWEEN_KILLS = 200;
const KILL_AFTER_MS = { from: 0, to: 500 };
/** How long a killed database stays away: the server must bear with both a moment and a while. */
const DATABASE_AWAY_MS = { from: 0, to: 1_500 };
const STARTING_KILL_AFTER_MS = { from: 50, to: 1_000 };
/** One in so many kills strikes a server that is still starting. */
const STARTING_KILL_ONE_IN = 8;
const PROGRESS_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = 60_000;

type Postgres = Awaited<ReturnType<typeof startPostgres>>;

async function countDeadLetters(connection: Connection): Promise<Record<string, number>> {
  const rows = await connection.query('SELECT reason, count(*)::int AS count FROM dead_letter GROUP BY reason');
  return Object.fromEntries(rows.map(row => [row.reason as string, row.count as number]));
}

export async function runFaults(options: FaultRunOptions): Promise<FaultReport> {
  const postgres = options.engine === 'postgres' ? await startPostgres({ withSchema: true }) : undefined;
  const subject = await makeSubject(options.subject ?? 'real', postgres, { ...LIMITS_RAISED, ...options.env });
  const run = new FaultRun(options, subject, postgres);
  try {
    return await run.run();
  } finally {
    await run.end();
    await subject.remove();
    await postgres?.stop();
  }
}

class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #subject: Subject;
  readonly #postgres: Postgres | undefined;
  readonly #chance: Chance;
  #port = 0;
  #server: Running | undefined;
  #load: Load | undefined;
  #serverKills = 0;
  #databaseKills = 0;
  #ownEnds = 0;

  constructor(options: FaultRunOptions, subject: Subject, postgres: Postgres | undefined) {
    this.#options = options;
    this.#subject = subject;
    this.#postgres = postgres;
    this.#chance = chance(options.seed);
  }

  async run(): Promise<FaultReport> {
    this.#port = await freePort();
    this.#server = await this.#subject.start({ mqttPort: this.#port });
    const registered = await this.#subject.register(DEVICES);
    const mayHaveIds = this.#subject.name === 'real';
    const devices = registered.map((device, i) =>
      mayHaveIds && i % 2 === 1 ? { ...device, payload: 'messageId' as const } : device,
    );
    this.#load = await startLoad({ port: this.#port, devices, window: WINDOW });
    const baseMs = Date.now() - 3_600_000;
    await this.#load.begin({ pace: { kind: 'closed' }, baseMs });
    while (this.#serverKills + this.#databaseKills < this.#options.kills) await this.#strike();
    await this.#progress(MESSAGES_BETWEEN_KILLS);
    const drained = await this.#load.drain(DRAIN_TIMEOUT_MS);
    const ledger = await this.#load.ledger();
    await this.#load.stop();
    await this.#server!.stop();
    const { connection, ids } = await this.#subject.open();
    try {
      const named = devices.map(({ deviceId, payload }, number) => ({ deviceId, payload, number, baseMs }));
      const findings = await compareStored(connection, ids, named, ledger);
      return {
        findings,
        deadLetters: this.#subject.name === 'real' ? await countDeadLetters(connection) : {},
        serverKills: this.#serverKills,
        databaseKills: this.#databaseKills,
        ownEnds: this.#ownEnds,
        drained,
      };
    } finally {
      await connection.close();
    }
  }

  async end(): Promise<void> {
    await this.#load?.stop();
    await this.#server?.kill('SIGKILL');
  }

  /** Waits until the system works, then kills a part of it, or all, and starts it again. */
  async #strike(): Promise<void> {
    await this.#progress(MESSAGES_BETWEEN_KILLS);
    const whom = this.#chance.pick(
      this.#postgres ? (['server', 'server', 'database', 'both'] as const) : (['server'] as const),
    );
    const afterMs = this.#chance.between(KILL_AFTER_MS.from, KILL_AFTER_MS.to);
    await sleep(afterMs);
    this.#options.log?.(`kill ${this.#serverKills + this.#databaseKills + 1}: ${whom} after ${afterMs} ms`);
    const killed: Promise<unknown>[] = [];
    if (whom !== 'server') killed.push(this.#killDatabase());
    if (whom !== 'database') killed.push(this.#killServer());
    await Promise.all(killed);
    if (whom !== 'server') {
      await sleep(this.#chance.between(DATABASE_AWAY_MS.from, DATABASE_AWAY_MS.to));
      await this.#postgres!.restart();
    }
    if (whom !== 'database') await this.#startServer();
  }

  async #killDatabase(): Promise<void> {
    this.#databaseKills++;
    await this.#postgres!.kill('SIGKILL');
  }

  async #killServer(): Promise<void> {
    this.#serverKills++;
    await this.#server!.kill('SIGKILL');
  }

  /** Starts the server, and now and then kills it while it does. */
  async #startServer(): Promise<void> {
    while (this.#chance.between(1, STARTING_KILL_ONE_IN) === 1) {
      const afterMs = this.#chance.between(STARTING_KILL_AFTER_MS.from, STARTING_KILL_AFTER_MS.to);
      this.#serverKills++;
      this.#options.log?.(`kill ${this.#serverKills + this.#databaseKills}: server ${afterMs} ms into its start`);
      const killing: Promise<unknown>[] = [];
      await this.#subject
        .start({
          mqttPort: this.#port,
          spawned: process => killing.push(sleep(afterMs).then(() => process.kill('SIGKILL'))),
        })
        .catch(error => {
          // It is meant to fail; that it could not even try is another matter.
          if (killing.length === 0) throw error;
        });
      await Promise.all(killing);
    }
    this.#server = await this.#subject.start({ mqttPort: this.#port });
  }

  /** Until so many more messages were acknowledged. A server that ended by itself is started again, and counted. */
  async #progress(messages: number): Promise<void> {
    const wanted = (await this.#load!.report()).acknowledged + messages;
    const endMs = performance.now() + PROGRESS_TIMEOUT_MS;
    while ((await this.#load!.report()).acknowledged < wanted) {
      if (performance.now() > endMs)
        throw new Error(`No ${messages} acknowledgements within ${PROGRESS_TIMEOUT_MS} ms:\n${this.#server!.output()}`);
      const ended = await Promise.race([this.#server!.exited, sleep(10)]);
      if (!ended) continue;
      this.#ownEnds++;
      this.#options.log?.(`the server ended by itself:\n${this.#server!.output()}`);
      this.#server = await this.#subject.start({ mqttPort: this.#port });
    }
  }
}

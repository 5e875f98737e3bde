/** The run of commands: the server, the database and the devices are killed at random moments, and at the end all is compared. */
import { setTimeout as sleep } from 'node:timers/promises';
import { makeReal } from '../../../bench/measure/subjects.ts';
import { freePort } from '../../support/free-port.ts';
import { startPostgres } from '../../support/postgres.ts';
import { registerDevices, type Skein } from '../../support/skein.ts';
import { type Chance, chance } from '../random.ts';
import { TwinTraffic } from '../twins/twin-traffic.ts';
import type { CommandFindings } from './command-findings.ts';
import type { Times } from './command-orders.ts';
import { COMMAND_LIMITS, CommandTraffic, type Fleet } from './command-traffic.ts';
import { Killer, type Kills, type Whom } from './killer.ts';

export type CommandRunOptions = {
  readonly engine: 'pglite' | 'postgres';
  readonly kills: number;
  readonly seed: number;
  readonly times?: Times;
  readonly fleet?: Fleet;
  readonly commandsPerSecond?: number;
  readonly forgets?: boolean;
  /** What is struck. Without it: everything. */
  readonly whom?: readonly Whom[];
  readonly log?: (line: string) => void;
};
export type CommandReport = {
  readonly findings: CommandFindings;
  readonly kills: Kills;
  /** Of twins, that were acknowledged. */
  readonly twinChanges: number;
  /** What should not be besides, in words. */
  readonly problems: readonly string[];
};

const FLEET: Fleet = { library: { processes: 4, devices: 3 }, plain: { processes: 2, devices: 3 }, absent: 2 };
const TIMES: Times = { shortTtlMs: { from: 3_000, to: 15_000 }, longTtlMs: 60_000 };
const COMMANDS_PER_SECOND = 20;

export async function runCommands(options: CommandRunOptions): Promise<CommandReport> {
  const postgres = options.engine === 'postgres' ? await startPostgres({ withSchema: true }) : undefined;
  const ends: (() => Promise<unknown>)[] = [async () => postgres?.stop()];
  try {
    const httpPort = await freePort();
    const mqttPort = await freePort();
    const subject = await makeReal(postgres, { ...COMMAND_LIMITS, SKEIN_HTTP_PORT: String(httpPort) });
    ends.unshift(() => subject.remove());
    const chances = chance(options.seed);
    const killer = new Killer({
      start: spawned => subject.start({ mqttPort, ...(spawned && { spawned }) }),
      postgres,
      chance: chances,
      whom: options.whom,
      log: options.log ?? (() => {}),
    });
    ends.unshift(() => killer.end());
    const skein = await killer.begin();
    const traffic = await startTraffic(options, skein);
    ends.unshift(() => traffic.remove());
    const twins = await startTwins(traffic, skein);
    ends.unshift(() => twins.stop());
    await strikeAll(options, killer, traffic, chances);
    const problems = await finish(killer, traffic, twins);
    const { connection } = await subject.open();
    ends.unshift(() => connection.close());
    const findings = await traffic.compare(connection);
    const { changes, problems: ofTwins } = await twins.compare(connection);
    return { findings, kills: killer.kills, twinChanges: changes, problems: [...problems, ...ofTwins] };
  } finally {
    // What failed before is what is told, so nothing here hides it.
    for (const end of ends) await end().catch(error => options.log?.(`could not end: ${error}`));
  }
}

function startTraffic(options: CommandRunOptions, skein: Skein): Promise<CommandTraffic> {
  const { seed, fleet = FLEET, times = TIMES, commandsPerSecond = COMMANDS_PER_SECOND, forgets = false } = options;
  return CommandTraffic.start({
    mqttUrl: `mqtt://127.0.0.1:${skein.mqttPort}`,
    restUrl: () => `http://127.0.0.1:${skein.httpPort}`,
    adminKey: skein.adminKey,
    register: ids => registerDevices(skein, ids),
    fleet,
    times,
    commandsPerSecond,
    // Of its own, so that the moments of the kills do not depend on how many were asked for.
    chance: chance(seed + 1),
    forgets,
  });
}

const startTwins = ({ rest, devices }: CommandTraffic, skein: Skein): Promise<TwinTraffic> =>
  TwinTraffic.start({
    rest,
    devices,
    mqttUrl: `mqtt://127.0.0.1:${skein.mqttPort}`,
    register: ids => registerDevices(skein, ids),
  });

/** Answered commands between two kills: so every kill strikes a system that works. */
const COMMANDS_BETWEEN_KILLS = 5;
const KILL_AFTER_MS = { from: 0, to: 500 };
const PROGRESS_TIMEOUT_MS = 60_000;

async function strikeAll(
  { kills }: CommandRunOptions,
  killer: Killer,
  traffic: CommandTraffic,
  { between }: Chance,
): Promise<void> {
  while (killer.count < kills) {
    await progress(killer, traffic, COMMANDS_BETWEEN_KILLS);
    await sleep(between(KILL_AFTER_MS.from, KILL_AFTER_MS.to));
    await killer.strike(traffic.devices);
  }
  await progress(killer, traffic, COMMANDS_BETWEEN_KILLS);
}

async function progress(killer: Killer, { caller }: CommandTraffic, commands: number): Promise<void> {
  const wanted = caller.accepted + commands;
  const endMs = performance.now() + PROGRESS_TIMEOUT_MS;
  while (caller.accepted < wanted) {
    if (performance.now() > endMs)
      throw new Error(`No ${commands} commands were taken within ${PROGRESS_TIMEOUT_MS} ms:\n${killer.output}`);
    await killer.startIfEnded();
    await sleep(10);
  }
}

async function finish(killer: Killer, traffic: CommandTraffic, twins: TwinTraffic): Promise<string[]> {
  await killer.devicesAreBack();
  const [problems] = await Promise.all([traffic.drain(), twins.stop()]);
  const refusals = Object.entries(traffic.caller.refusals).map(([what, count]) => `${count} answers ${what}`);
  if (killer.ownEnds > 0) problems.push(`the server ended by itself ${killer.ownEnds} times`);
  await traffic.stopDevices();
  await killer.stop();
  return [...problems, ...traffic.ownEnds, ...refusals];
}

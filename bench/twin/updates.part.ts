/** Durable changes of twins: through the actors, at a fixed rate and as fast as can be, and by plain SQL, by turns. */
import { type Load, startLoad } from '../../test/support/mqtt-load.ts';
import type { LoopFigures } from '../load/closed-loop.ts';
import type { LoadDevice, Pace } from '../load/load.ts';
import { cpuDuring } from '../measure/cpu-during.ts';
import { type PhaseFigures, runPhase } from '../measure/load-phase.ts';
import { cpuSeconds, treeCpuSeconds } from '../measure/process-usage.ts';
import type { Fleet } from './fleet.ts';
import type { TwinOptions } from './options.ts';
import { countVersions } from './seed-twins.ts';

/** `stored`: versions that the database has more than before. */
export type ActorRun = PhaseFigures & { readonly stored: number };
/** `updates`: rows changed; latencies are of transactions. */
export type PlainRun = LoopFigures & {
  readonly updates: number;
  readonly cpuSeconds: Readonly<Record<'client' | 'postgres', number>>;
};
export type UpdateRound = {
  readonly open: ActorRun;
  readonly closed: ActorRun;
  readonly plain: PlainRun;
  readonly batched: PlainRun;
};

/** Messages of one connection that may wait for their PUBACK in the closed loop. */
const WINDOW = 2;
const WARM_UP_SECONDS = 3;

export async function measureUpdates(fleet: Fleet, options: TwinOptions): Promise<readonly UpdateRound[]> {
  const devices = pickSome(fleet.devices, options.connections).map((it): LoadDevice => ({ ...it, payload: 'state' }));
  const load = await startLoad({ port: fleet.mqttPort, devices, window: WINDOW });
  const open: Pace = { kind: 'open', messagesPerSecond: options.rate, whenFull: 'delay' };
  try {
    const rounds: UpdateRound[] = [];
    for (let round = 0; round < options.rounds; round++) {
      await changeOverMqtt(fleet, load, open, WARM_UP_SECONDS);
      rounds.push({
        open: await changeOverMqtt(fleet, load, open, options.openSeconds),
        plain: await changePlainly(fleet, options, 1),
        closed: await changeOverMqtt(fleet, load, { kind: 'closed' }, options.closedSeconds),
        batched: await changePlainly(fleet, options, options.batch),
      });
    }
    return rounds;
  } finally {
    await load.stop();
  }
}

async function changeOverMqtt(fleet: Fleet, load: Load, pace: Pace, seconds: number): Promise<ActorRun> {
  const processes = { server: fleet.node.pid, generator: load.pid, postgres: fleet.postgresPid };
  const before = await countVersions(fleet.connection);
  const figures = await runPhase(load, processes, pace, 0, seconds);
  return { ...figures, stored: (await countVersions(fleet.connection)) - before };
}

async function changePlainly(fleet: Fleet, options: TwinOptions, rowsPerTransaction: number): Promise<PlainRun> {
  const { databaseUrl, firstUid, references, postgresPid } = fleet;
  const { devices, writers, closedSeconds: seconds } = options;
  const used = { client: () => cpuSeconds(references.pid), postgres: () => treeCpuSeconds(postgresPid) };
  const about = { databaseUrl, firstUid, devices, writers, rowsPerTransaction, seconds };
  const { result, cpuSeconds: spent } = await cpuDuring(used, () => references.ask('updates', about));
  return { ...result, updates: result.count * rowsPerTransaction, cpuSeconds: spent };
}

/** So many of them, at random and in random order. */
export function pickSome<T>(all: readonly T[], count: number, random: () => number = Math.random): T[] {
  const rest = [...all];
  const wanted = Math.min(count, rest.length);
  for (let at = 0; at < wanted; at++) {
    const other = at + Math.floor(random() * (rest.length - at));
    [rest[at], rest[other]] = [rest[other]!, rest[at]!];
  }
  return rest.slice(0, wanted);
}

/** One round: the reference and a new Skein on a new database, by turns, with the same callers. */
import type { LoopFigures } from '../load/closed-loop.ts';
import { cpuDuring } from '../measure/cpu-during.ts';
import { cpuSeconds, treeCpuSeconds } from '../measure/process-usage.ts';
import { COMMAND_LIMITS_RAISED } from '../measure/raised-limits.ts';
import type { RealSubject } from '../measure/real-subject.ts';
import { startWorker, type Worker } from '../measure/start-worker.ts';
import { makeReal } from '../measure/subjects.ts';
import type { AnsweringDevicesWorker } from './answering-devices.worker.ts';
import type { CallersWorker } from './callers.worker.ts';
import type { CommandsOptions } from './options.ts';
import type { PingFigures } from './ping-pong.ts';
import type { Reference } from './reference.ts';

export type CallFigures = LoopFigures & { readonly cpuSeconds: Readonly<Record<(typeof PARTS)[number], number>> };
export const PARTS = ['skein', 'postgres', 'devices', 'callers'] as const;

export type CommandsRound = {
  readonly reference: PingFigures;
  /** By the number of calls under way. */
  readonly calls: Readonly<Record<string, CallFigures>>;
  /** Authenticated reads of a device, one under way. */
  readonly reads: CallFigures;
  /** Of all calls, those of the warm-up too: how many were answered with success, and how many commands are stored as succeeded. */
  readonly answered: number;
  readonly stored: number;
};

const DEVICES = new URL('./answering-devices.worker.ts', import.meta.url);
const CALLERS = new URL('./callers.worker.ts', import.meta.url);
const WARM_UP_UNDER_WAY = 32;

/** @param postgresPid of the PostgreSQL that both use */
export async function measureRound(
  options: CommandsOptions,
  reference: Reference,
  postgresPid: number,
): Promise<CommandsRound> {
  const subject = await makeReal(options.databases, COMMAND_LIMITS_RAISED);
  const { profile } = options;
  const nodeArguments = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  try {
    const skein = await subject.start({ nodeArguments });
    const [devices, callers] = [startWorker<AnsweringDevicesWorker>(DEVICES), startWorker<CallersWorker>(CALLERS)];
    try {
      const registered = await subject.register(options.devices);
      await devices.ask('connect', { port: skein.mqttPort, devices: registered });
      const ids = registered.map(it => it.deviceId);
      return await measureBoth(options, reference, new Calls({ skein, devices, callers, postgresPid, ids }), subject);
    } finally {
      await Promise.all([devices.stop(), callers.stop()]);
      await skein.stop();
    }
  } finally {
    await subject.remove();
  }
}

async function measureBoth(
  { underWay: counts, warmUp, seconds, devices }: CommandsOptions,
  reference: Reference,
  calls: Calls,
  subject: RealSubject,
): Promise<CommandsRound> {
  await calls.measure('commands', Math.min(WARM_UP_UNDER_WAY, devices), warmUp);
  await reference.measure(calls.callers, warmUp);
  const pinged = await reference.measure(calls.callers, seconds);
  const measured: Record<string, CallFigures> = {};
  for (const underWay of counts) measured[underWay] = await calls.measure('commands', underWay, seconds);
  const reads = await calls.measure('reads', 1, seconds);
  return {
    reference: pinged,
    calls: measured,
    reads,
    answered: calls.answered,
    stored: await countSucceeded(subject),
  };
}

type Running = {
  readonly skein: { readonly pid: number; readonly httpPort: number; readonly adminKey: string };
  readonly devices: Worker<AnsweringDevicesWorker>;
  readonly callers: Worker<CallersWorker>;
  readonly postgresPid: number;
  readonly ids: readonly string[];
};

class Calls {
  readonly callers: Worker<CallersWorker>;
  /** Commands that were answered with success. */
  answered = 0;
  readonly #running: Running;

  constructor(running: Running) {
    this.#running = running;
    this.callers = running.callers;
  }

  async measure(what: 'commands' | 'reads', underWay: number, seconds: number): Promise<CallFigures> {
    const { skein, devices, callers, postgresPid, ids } = this.#running;
    const used = {
      skein: () => cpuSeconds(skein.pid),
      postgres: () => treeCpuSeconds(postgresPid),
      devices: () => cpuSeconds(devices.pid),
      callers: () => cpuSeconds(callers.pid),
    };
    const call = { httpPort: skein.httpPort, key: skein.adminKey, deviceIds: ids.slice(0, underWay), seconds };
    const { result, cpuSeconds: spent } = await cpuDuring(used, () => callers.ask(what, call));
    if (what === 'commands') this.answered += result.count;
    return { ...result, cpuSeconds: spent };
  }
}

async function countSucceeded(subject: RealSubject): Promise<number> {
  const { connection } = await subject.open();
  try {
    const [row] = await connection.query("SELECT count(*)::int AS count FROM command WHERE state = 'succeeded'");
    return row!.count as number;
  } finally {
    await connection.close();
  }
}

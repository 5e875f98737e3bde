/** A fleet that was away comes back, and gets the commands that wait for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadDevice } from '../../load/load.ts';
import { cpuDuring } from '../../measure/cpu-during.ts';
import { cpuSeconds, treeCpuSeconds, watchMemory } from '../../measure/process-usage.ts';
import { seedDevices } from '../../measure/seed-devices.ts';
import { startWorker, type Worker } from '../../measure/start-worker.ts';
import { deviceIds } from '../../measure/subject-home.ts';
import { type ArrivalsReport, joinReports } from './arrivals.ts';
import { planCommands } from './command-plan.ts';
import { queueForAll } from './queueing.ts';
import type { ReturnSystem } from './return-system.ts';
import type { ReturningDevicesWorker } from './returning-devices.worker.ts';
import { mostInAnySecond, rateInTheMiddle } from './sliding.ts';
import { countOpen, readReturns, type StoredReturns } from './stored-returns.ts';

/** `commands`: for each device; `connectMs`: within which all connect; `processes`: that the devices are in. */
export type ReturnOptions = {
  readonly devices: number;
  readonly commands: number;
  readonly connectMs: number;
  readonly processes: number;
};

export type ReturnFigures = {
  readonly queuedSeconds: number;
  /** From the first connect on: until the last device had subscribed, and until the last command had ended. */
  readonly connectedSeconds: number;
  readonly doneSeconds: number;
  /** A second, without the first and the last tenth. */
  readonly sentInTheMiddle: number;
  readonly mostSentInASecond: number;
  readonly mostArrivedInASecond: number;
  readonly arrivals: Omit<ArrivalsReport, 'momentsMs'>;
  readonly stored: Omit<StoredReturns, 'sentMs'>;
  /** Of all processes of Skein together, of PostgreSQL and of the devices. */
  readonly cpuSeconds: Readonly<Record<'skein' | 'postgres' | 'devices', number>>;
  /** Of each process of Skein, resident. */
  readonly memory: readonly { readonly firstBytes: number; readonly peakBytes: number; readonly lastBytes: number }[];
};

const DEVICES = new URL('./returning-devices.worker.ts', import.meta.url);
const TAG = 'returning';
const LOOK_EVERY_MS = 250;
const NO_PROGRESS_MS = 60_000;
const LOOK_AT_MEMORY_EVERY_MS = 200;

type Workers = readonly Worker<ReturningDevicesWorker>[];

/** @param system a new one */
export async function measureReturn(system: ReturnSystem, options: ReturnOptions): Promise<ReturnFigures> {
  const devices = await seedDevices(system.connection, deviceIds(options.devices));
  await system.connection.query('UPDATE device SET tags = ARRAY[$1]', [TAG]);
  const beganMs = performance.now();
  await queueForAll(system.nodes[0]!, TAG, planCommands(options.commands), options.devices);
  const queuedSeconds = (performance.now() - beganMs) / 1_000;
  await system.restart();
  const workers = Array.from({ length: options.processes }, () => startWorker<ReturningDevicesWorker>(DEVICES));
  try {
    return { queuedSeconds, ...(await measure(system, workers, devices, options)) };
  } finally {
    await Promise.all(workers.map(it => it.stop()));
  }
}

async function measure(system: ReturnSystem, workers: Workers, devices: readonly LoadDevice[], options: ReturnOptions) {
  const pids = system.nodes.map(it => it.pid);
  const sum = (all: readonly number[]) => all.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const used = {
    skein: () => sum(pids),
    postgres: () => treeCpuSeconds(system.postgresPid),
    devices: () => sum(workers.map(it => it.pid)),
  };
  const watches = pids.map(pid => watchMemory(pid, LOOK_AT_MEMORY_EVERY_MS));
  const beganMs = Date.now();
  const spent = await cpuDuring(used, () => comeBack(system, workers, devices, options));
  const memory = watches.map(it => it.stop());
  const { momentsMs, ...arrivals } = joinReports(await Promise.all(workers.map(it => it.ask('report'))));
  const { sentMs, ...stored } = await readReturns(system.connection);
  return {
    connectedSeconds: (spent.result - beganMs) / 1_000,
    doneSeconds: (stored.lastEndMs - beganMs) / 1_000,
    sentInTheMiddle: rateInTheMiddle(sentMs),
    mostSentInASecond: mostInAnySecond(sentMs),
    mostArrivedInASecond: mostInAnySecond(momentsMs),
    ...{ arrivals, stored, cpuSeconds: spent.cpuSeconds },
    memory: memory.map(({ firstBytes, peakBytes, lastBytes }) => ({ firstBytes, peakBytes, lastBytes })),
  };
}

/** Resolves, when all is done or nothing happens any more, to when all were connected: milliseconds since 1970. */
async function comeBack(
  system: ReturnSystem,
  workers: Workers,
  devices: readonly LoadDevice[],
  { commands, connectMs }: ReturnOptions,
): Promise<number> {
  const ports = system.nodes.map(it => it.mqttPort);
  const connect = async (worker: Workers[number], i: number) => {
    const its = devices.filter((_, at) => at % workers.length === i);
    const known = its.map(({ deviceId, password }) => ({ deviceId, password }));
    await worker.ask('connect', { ports, devices: known, withinMs: connectMs });
  };
  await Promise.all(workers.map(connect));
  const connectedMs = Date.now();
  const received = async () => {
    const each = await Promise.all(workers.map(it => it.ask('commands')));
    return each.reduce((sum, it) => sum + it, 0);
  };
  await until(devices.length * commands, received);
  // The last answers are stored a moment after they were sent.
  await until(0, async () => -(await countOpen(system.connection)));
  return connectedMs;
}

/** Until the count is there, or does not grow any more. */
async function until(wanted: number, count: () => Promise<number>): Promise<void> {
  let last = Number.NEGATIVE_INFINITY;
  for (let sinceMs = performance.now(); performance.now() - sinceMs < NO_PROGRESS_MS; await sleep(LOOK_EVERY_MS)) {
    const now = await count();
    if (now >= wanted) return;
    if (now > last) sinceMs = performance.now();
    last = now;
  }
}

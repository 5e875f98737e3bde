/**
 * REST: authenticated reads of a device, against moleculer-web's own hello in the same run. Each server is a process of its own, and so is
 * who asks.
 */
import { startPostgres } from '../test/support/postgres.ts';
import { cpuDuring } from './measure/cpu-during.ts';
import { readFlagsOrShort } from './measure/flags.ts';
import { postgresSettings, postmasterPid } from './measure/postgres-tree.ts';
import { cpuSeconds, treeCpuSeconds } from './measure/process-usage.ts';
import { COMMAND_LIMITS_RAISED } from './measure/raised-limits.ts';
import { saveResult } from './measure/results.ts';
import { startWorker, type Worker } from './measure/start-worker.ts';
import { makeReal } from './measure/subjects.ts';
import type { AskingWorker, AskOptions } from './rest/asking.worker.ts';
import type { HelloWorker } from './rest/hello.worker.ts';
import { type AskFigures, printRest, type RestRound } from './rest/report.ts';

const FLAGS = { rounds: 5, seconds: 5, warmUp: 2, connections: 32, devices: 1_000, profile: '' };
const SHORT = { rounds: 1, seconds: 1, warmUp: 1, devices: 10 };
const HELLO = new URL('./rest/hello.worker.ts', import.meta.url);
const ASKING = new URL('./rest/asking.worker.ts', import.meta.url);

export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlagsOrShort(args, FLAGS, SHORT);
  console.log(`Limits raised for this: ${JSON.stringify(COMMAND_LIMITS_RAISED)}`);
  const postgres = await startPostgres({ settings: { wal_init_zero: 'off' } });
  try {
    const subject = await makeReal(postgres, COMMAND_LIMITS_RAISED);
    const profile = flags.profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`];
    const skein = await subject.start({ nodeArguments: profile });
    const [hello, asking] = [startWorker<HelloWorker>(HELLO), startWorker<AskingWorker>(ASKING)];
    try {
      const devices = await subject.register(flags.devices);
      const { connections } = flags;
      const asks = {
        hello: { port: await hello.ask('start'), paths: ['/api/hello'], key: '', connections },
        device: {
          port: skein.httpPort,
          paths: devices.map(it => `/api/v1/devices/${it.deviceId}`),
          key: skein.adminKey,
          connections,
        },
      };
      const servers = { hello: hello.pid, device: skein.pid, postgres: await postmasterPid(postgres.url) };
      const rounds: RestRound[] = [];
      for (let round = 0; round < flags.rounds; round++) {
        const measured = {
          hello: await measure(asking, servers.hello, servers.postgres, asks.hello, flags),
          device: await measure(asking, servers.device, servers.postgres, asks.device, flags),
        };
        rounds.push(measured);
      }
      printRest(rounds);
      const databaseSettings = await postgresSettings(postgres.url);
      await saveResult('rest', { options: flags, limits: COMMAND_LIMITS_RAISED, databaseSettings, rounds });
    } finally {
      await Promise.all([hello.stop(), asking.stop()]);
      await skein.stop();
      await subject.remove();
    }
  } finally {
    await postgres.stop();
  }
}

async function measure(
  asking: Worker<AskingWorker>,
  server: number,
  postgres: number,
  about: Omit<AskOptions, 'seconds'>,
  { warmUp, seconds }: { readonly warmUp: number; readonly seconds: number },
): Promise<AskFigures> {
  await asking.ask('ask', { ...about, seconds: warmUp });
  const used = {
    server: () => cpuSeconds(server),
    postgres: () => treeCpuSeconds(postgres),
    asking: () => cpuSeconds(asking.pid),
  };
  const { result, cpuSeconds: spent } = await cpuDuring(used, () => asking.ask('ask', { ...about, seconds }));
  return { ...result, cpuSeconds: spent };
}

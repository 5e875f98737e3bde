/** A node of Skein with many devices, all of which have a twin and an actor in memory; and beside it the references. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadDevice } from '../load/load.ts';
import { postmasterPid } from '../measure/postgres-tree.ts';
import { residentBytes } from '../measure/process-usage.ts';
import { TWIN_LIMITS_RAISED } from '../measure/raised-limits.ts';
import { seedDevices } from '../measure/seed-devices.ts';
import { startWorker, type Worker } from '../measure/start-worker.ts';
import { type Connection, connectTo } from '../measure/stored.ts';
import { deviceIds, makeHome } from '../measure/subject-home.ts';
import type { NodeWorker } from './node.worker.ts';
import type { TwinOptions } from './options.ts';
import type { ReferencesWorker } from './references.worker.ts';
import { seedTwins } from './seed-twins.ts';

export type Fleet = {
  readonly node: Worker<NodeWorker>;
  readonly references: Worker<ReferencesWorker>;
  readonly postgresPid: number;
  readonly connection: Connection;
  readonly databaseUrl: string;
  readonly mqttPort: number;
  readonly key: string;
  readonly firstUid: number;
  readonly devices: readonly LoadDevice[];
  /** Until every actor was in memory, and what the process had then. */
  readonly touchSeconds: number;
  readonly residentBytes: number;
  stop(): Promise<void>;
};

const NODE = new URL('./node.worker.ts', import.meta.url);
const REFERENCES = new URL('./references.worker.ts', import.meta.url);

export async function startFleet(options: TwinOptions): Promise<Fleet> {
  const home = await makeHome('twin', options.databases);
  const databaseUrl = home.url!;
  const nodeArguments = options.profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const connection = await connectTo({ engine: 'postgres', url: databaseUrl });
  const node = startWorker<NodeWorker>(NODE, nodeArguments);
  const references = startWorker<ReferencesWorker>(REFERENCES);
  const stop = async () => {
    await connection.close();
    await Promise.all([node.stop(), references.stop()]);
    await home.remove();
  };
  try {
    const mqttPort = await node.ask('start', { env: environment(home.folder, databaseUrl) });
    const key = (await readFile(join(home.folder, 'admin.token'), 'utf8')).trim();
    const devices = await seedDevices(connection, deviceIds(options.devices));
    const firstUid = await seedTwins(connection, options.devices);
    const touchSeconds = await node.ask('touch', { devices: options.devices, key });
    const postgresPid = await postmasterPid(databaseUrl);
    return {
      ...{
        node,
        references,
        postgresPid,
        connection,
        databaseUrl,
        mqttPort,
        key,
        firstUid,
        devices,
        touchSeconds,
        stop,
      },
      residentBytes: residentBytes(node.pid),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const environment = (folder: string, databaseUrl: string): Record<string, string> => ({
  SKEIN_HOST: '127.0.0.1',
  SKEIN_HTTP_PORT: '0',
  SKEIN_MQTT_PORT: '0',
  SKEIN_DATA_DIR: folder,
  DATABASE_URL: databaseUrl,
  ...TWIN_LIMITS_RAISED,
});

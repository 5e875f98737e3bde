/** Starts the real process, as an operator would, and gives a test what it needs to use it. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newDataDir } from './data-dir.ts';
import { watchOver } from './end-with-us.ts';
import { SecretWatch } from './secret-watch.ts';
import { portIn, type ServerProcess, startServerProcess } from './server-process.ts';

const READY_TIMEOUT_MS = 30_000;
/** PGlite's code is compiled as quickly as in the tests themselves: see package.json. */
const FLAGS = process.execArgv.filter(flag => flag === '--liftoff-only');

export type Skein = ServerProcess & {
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly adminKey: string;
  readonly dataDir: string;
};
export type SkeinOptions = {
  /** Settings; without them: free ports of 127.0.0.1. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder to use and to keep. Without it: a temporary one, which `stop` removes. */
  readonly dataDir?: string;
  /** What comes between `node` and `main.ts`. */
  readonly nodeArguments?: readonly string[];
  /** Called as soon as there is a process, long before it is ready. */
  readonly spawned?: (process: ServerProcess) => void;
};

/**
 * Resolves when the process says that it is ready. Its end rejects when it wrote a secret into its log. Rejects with its output when it ends
 * before, or after 30 s.
 */
export async function startSkein({ env, dataDir, nodeArguments = [], spawned }: SkeinOptions = {}): Promise<Skein> {
  const isEmbedded = env?.DATABASE_URL === undefined;
  const folder = dataDir ?? (await (isEmbedded ? newDataDir('skein-') : mkdtemp(join(tmpdir(), 'skein-'))));
  const removeFolder = async () => {
    if (dataDir === undefined) await rm(folder, { recursive: true, force: true });
  };
  const watch = new SecretWatch();
  try {
    const server = await startServerProcess({
      nodeArguments: [...FLAGS, ...nodeArguments, 'main.ts'],
      env: { SKEIN_HOST: '127.0.0.1', SKEIN_HTTP_PORT: '0', SKEIN_MQTT_PORT: '0', SKEIN_DATA_DIR: folder, ...env },
      // It is asked at each piece of the output, also later.
      readyWhen: output => {
        watch.see(output);
        return portsIn(output);
      },
      readyTimeoutMs: READY_TIMEOUT_MS,
      spawned: process => {
        void process.exited.then(watchOver(process.pid));
        spawned?.(process);
      },
    });
    const adminKey = (await readFile(join(folder, 'admin.token'), 'utf8')).trim();
    const stop = async () => {
      const exit = await server.stop().finally(removeFolder);
      watch.check();
      return exit;
    };
    const kill = async (signal: NodeJS.Signals) => {
      const exit = await server.kill(signal);
      watch.check();
      return exit;
    };
    return { ...server, ...server.ready, adminKey, dataDir: folder, kill, stop };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

function portsIn(output: string): { mqttPort: number; httpPort: number } | undefined {
  const mqttPort = portIn(output, 'mqtt');
  const httpPort = portIn(output, 'http');
  return mqttPort !== undefined && httpPort !== undefined ? { mqttPort, httpPort } : undefined;
}

/** Registers a device; `apiKey` is its MQTT password. Rejects with the answer when it is not 201. */
export async function registerDevice(
  { httpPort, adminKey }: Pick<Skein, 'httpPort' | 'adminKey'>,
  id: string,
): Promise<{ deviceId: string; apiKey: string }> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1/devices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`Registration of ${id}: ${response.status} ${text}`);
  const { credentials } = JSON.parse(text) as { credentials: { apiKey: string } };
  return { deviceId: id, apiKey: credentials.apiKey };
}

/** Registers many, a few at a time, in order. */
export async function registerDevices(
  skein: Pick<Skein, 'httpPort' | 'adminKey'>,
  ids: readonly string[],
): Promise<{ deviceId: string; apiKey: string }[]> {
  const devices: { deviceId: string; apiKey: string }[] = [];
  const waiting = ids.entries();
  const worker = async () => {
    for (const [index, id] of waiting) devices[index] = await registerDevice(skein, id);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return devices;
}

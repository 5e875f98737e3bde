/** A real process that tells everything, of whose output nothing is forgotten. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../house/tree.ts';
import { portIn } from '../../support/server-process.ts';

const READY_PATIENCE_MS = 60_000;

export type TracedNode = {
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly adminKey: string;
  /** Ends it. Answers with all that it wrote. */
  stop(): Promise<string>;
};

export async function startTracedNode(dataDir: string): Promise<TracedNode> {
  const env = {
    SKEIN_HOST: '127.0.0.1',
    SKEIN_HTTP_PORT: '0',
    SKEIN_MQTT_PORT: '0',
    SKEIN_DATA_DIR: dataDir,
    SKEIN_LOG_LEVEL: 'trace',
  };
  const child = spawn(process.execPath, ['main.ts'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  let output = '';
  const ready = Promise.withResolvers<{ httpPort: number; mqttPort: number }>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', piece => {
      output += piece;
      const [httpPort, mqttPort] = [portIn(output, 'http'), portIn(output, 'mqtt')];
      if (httpPort !== undefined && mqttPort !== undefined) ready.resolve({ httpPort, mqttPort });
    });
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()));
  void closed.then(() => ready.reject(new Error(`It ended before it was ready: ${output}`)));
  const timer = setTimeout(() => ready.reject(new Error(`Not ready in time: ${output}`)), READY_PATIENCE_MS);
  const stop = async () => {
    child.kill('SIGTERM');
    await closed;
    process.off('exit', killAtExit);
    return output;
  };
  try {
    const ports = await ready.promise;
    const adminKey = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
    return { ...ports, adminKey, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

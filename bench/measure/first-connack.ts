/** How long from starting a process until an MQTT client is let in. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import { PacketScanner } from '../load/packet-scanner.ts';
import { connectPacket, DISCONNECT } from '../load/packets.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 60_000;
const TRY_EVERY_MS = 5;
const ACCEPTED = 0;

/** What an operator types. */
export const COMMANDS = { 'npm start': ['npm', 'start'], 'node main.ts': [process.execPath, 'main.ts'] } as const;
export type Command = keyof typeof COMMANDS;

/**
 * Starts the real system and stops it again. Answers the milliseconds from the spawn of the command to the first CONNACK that
 * accepts the administrator's key. Rejects with the output of the process when that takes more than a minute.
 */
export async function timeToConnack(
  command: Command,
  dataDir: string,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const [mqttPort, httpPort] = [await freePort(), await freePort()];
  const [file, ...args] = COMMANDS[command];
  const beganMs = performance.now();
  // Its own process group: npm starts a shell, which starts node, and all of them must end.
  const child = spawn(file, args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      SKEIN_HOST: '127.0.0.1',
      SKEIN_MQTT_PORT: String(mqttPort),
      SKEIN_HTTP_PORT: String(httpPort),
      SKEIN_DATA_DIR: dataDir,
      ...env,
    },
  });
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      output += chunk;
    });
  try {
    while (!(await isLetIn(mqttPort, join(dataDir, 'admin.token')))) {
      if (child.exitCode !== null || performance.now() - beganMs > TIMEOUT_MS)
        throw new Error(`No CONNACK within ${TIMEOUT_MS} ms:\n${output}`);
      await sleep(TRY_EVERY_MS);
    }
    return performance.now() - beganMs;
  } finally {
    process.kill(-child.pid!, 'SIGTERM');
    await closed;
  }
}

/** One attempt. The first start makes the key before it listens. */
async function isLetIn(port: number, tokenFile: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => resolve(false)).on('close', () => resolve(false));
  socket.on('connect', async () => {
    const key = await readFile(tokenFile, 'utf8').catch(() => '');
    socket.write(connectPacket('first', 'operator', key.trim(), 60));
  });
  const scanner = new PacketScanner({ connack: code => resolve(code === ACCEPTED), puback: () => {} });
  socket.on('data', chunk => scanner.feed(chunk));
  const letIn = await promise;
  if (letIn) socket.end(DISCONNECT);
  socket.destroySoon();
  return letIn;
}

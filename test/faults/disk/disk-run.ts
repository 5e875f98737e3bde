/**
 * Runs on a small disk (test/support/small-disk.ts): devices send as fast as they are answered, the disk becomes full and stays so for a
 * while, then there is room again. Writes what it saw as JSON; at the end every acknowledgement must be found in the database.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS_RAISED } from '../../../bench/measure/raised-limits.ts';
import { connectTo, readIds } from '../../../bench/measure/stored.ts';
import { newDataDir } from '../../support/data-dir.ts';
import { startLoad } from '../../support/mqtt-load.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { registerDevices, type Skein, startSkein } from '../../support/skein.ts';
import { compareStored } from '../compare-stored.ts';
import { Filler } from './filler.ts';
import type { DiskReport, DiskRunOptions } from './on-full-disk.ts';
import { Watch, waitFor } from './watch.ts';

const DEVICES = 10;
const WINDOW = 10;
const MESSAGES = 300;
const DRAIN_TIMEOUT_MS = 30_000;

const options = JSON.parse(process.argv[2]!) as DiskRunOptions;
process.stdout.write(`${JSON.stringify(await run(options))}\n`);

async function run({ engine, env, logHasRoom = false }: DiskRunOptions): Promise<DiskReport> {
  const settings = { max_wal_size: '64MB', min_wal_size: '32MB', wal_recycle: logHasRoom ? 'on' : 'off' };
  const postgres = engine === 'postgres' ? await startPostgres({ settings }) : undefined;
  // Short: a message that nobody could store for so long is given up, and its sender cut off.
  const short = { SKEIN_LIMIT_COMMIT_PATIENCE_SECONDS: '1', SKEIN_LIMIT_DISK_PROBE_MAX_MS: '1000' };
  const small = { SKEIN_LIMIT_DISK_RESERVE_MI_B: '64' };
  const dataDir = await newDataDir('skein-');
  const skein = await startSkein({
    dataDir,
    env: { ...LIMITS_RAISED, ...short, ...small, ...(postgres && { DATABASE_URL: postgres.url }), ...env },
  });
  try {
    return await fillAndEmpty(skein, postgres, dataDir);
  } finally {
    await skein.kill('SIGKILL').catch(() => {});
    await postgres?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function fillAndEmpty(skein: Skein, postgres: PostgresServer | undefined, dataDir: string): Promise<DiskReport> {
  const watch = new Watch(skein);
  const registered = await registerDevices(
    skein,
    Array.from({ length: DEVICES }, (_, i) => `d${i}`),
  );
  const devices = registered.map(({ deviceId, apiKey }, i) => ({
    deviceId,
    username: deviceId,
    password: apiKey,
    payload: i % 2 === 1 ? ('messageId' as const) : ('timestamp' as const),
  }));
  const load = await startLoad({ port: skein.mqttPort, devices, window: WINDOW, connectTimeoutMs: 3_000 });
  const filler = new Filler(tmpdir());
  try {
    const baseMs = Date.now() - 3_600_000;
    await load.begin({ pace: { kind: 'closed' }, baseMs });
    const acknowledged = async () => (await load.report()).acknowledged;
    await waitFor('the first messages', async () => (await acknowledged()) >= MESSAGES);
    filler.fill();
    const full = await watch.untilReadOnly();
    // Some senders were given up: what was only promised to them is lost now.
    await waitFor('senders cut off', async () => (await load.report()).lost > 0 || (await watch.unknown()) > 0);
    const refused = await watch.write();
    const reads = await watch.read();
    await filler.empty();
    await restartIfItEnded(postgres);
    await watch.untilHealthy();
    const before = await acknowledged();
    await waitFor('messages after it', async () => (await acknowledged()) >= before + MESSAGES);
    const stored = await watch.write();
    const drained = await load.drain(DRAIN_TIMEOUT_MS);
    const ledger = await load.ledger();
    const ended = await Promise.race([skein.exited.then(() => true), sleep(0).then(() => false)]);
    await load.stop();
    await skein.kill('SIGTERM');
    const connection = await connectTo(
      postgres ? { engine: 'postgres', url: postgres.url } : { engine: 'pglite', folder: join(dataDir, 'pglite') },
    );
    try {
      const named = devices.map(({ deviceId, payload }, number) => ({ deviceId, payload, number, baseMs }));
      const findings = await compareStored(connection, await readIds(connection), named, ledger);
      return {
        full,
        refused,
        reads,
        stored,
        drained,
        ended,
        kept: findings.kept,
        missing: findings.missing.count,
        acknowledged: findings.acknowledged,
        told: String(findings),
      };
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw new Error(`${(error as Error).stack}\n${skein.output().slice(-8_000)}\n${postgres?.output().slice(-4_000)}`);
  } finally {
    await filler.empty();
    await load.stop();
  }
}

/** A server that has no room for its log ends, and whoever runs it starts it again. */
async function restartIfItEnded(postgres: PostgresServer | undefined): Promise<void> {
  if (postgres?.output().includes('aborting startup due to startup process failure')) await postgres.restart();
}

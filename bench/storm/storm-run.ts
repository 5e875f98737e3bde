/** A storm of connects, seen by devices that were connected before it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../test/support/mqtt-load.ts';
import type { Percentiles } from '../load/histogram.ts';
import type { LoadDevice, LoadReport } from '../load/load.ts';
import { Storm, type StormFigures } from './storm.ts';

export type StormRunOptions = {
  readonly port: number;
  /** Those that are connected before, and how many messages a second they send together. */
  readonly steady: readonly LoadDevice[];
  readonly messagesPerSecond: number;
  /** Those that come. */
  readonly coming: readonly LoadDevice[];
  readonly wrong: number;
  readonly withinMs: number;
  /** Of the measurement before the storm. */
  readonly quietMs: number;
};
export type StormRun = {
  readonly storm: StormFigures;
  /** PUBACKs of the devices that were there: before the storm, and while it lasted. */
  readonly before: Percentiles;
  readonly during: Percentiles;
  readonly sent: number;
  readonly acknowledged: number;
  /** Connections of theirs that ended. */
  readonly lost: number;
};

const DRAIN_MS = 20_000;
const PATIENCE_MS = 60_000;

export async function measureStorm(options: StormRunOptions): Promise<StormRun> {
  const { port, steady, messagesPerSecond, coming, wrong, withinMs, quietMs } = options;
  const load = await startLoad({ port, devices: steady });
  const storm = new Storm({ port, devices: coming, wrong, withinMs, patienceMs: PATIENCE_MS });
  const phase = async (work: () => Promise<unknown>): Promise<LoadReport> => {
    await load.begin({ pace: { kind: 'open', messagesPerSecond, whenFull: 'delay' }, baseMs: Date.now() });
    await work();
    if (!(await load.drain(DRAIN_MS))) throw new Error('Some messages were never acknowledged');
    return load.report();
  };
  try {
    await phase(() => sleep(quietMs));
    const before = await phase(() => sleep(quietMs));
    let figures: StormFigures | undefined;
    const during = await phase(async () => {
      figures = await storm.run();
    });
    return {
      storm: figures!,
      before: before.latency,
      during: during.latency,
      sent: during.sent,
      acknowledged: during.acknowledged,
      lost: during.lost,
    };
  } finally {
    storm.end();
    await load.stop();
  }
}

/** Reads of random twins: through Skein's action, from Redis, and by SQL, by turns. */
import { startRedis } from '../../test/support/redis.ts';
import type { LoopFigures } from '../load/closed-loop.ts';
import { cpuDuring } from '../measure/cpu-during.ts';
import { cpuSeconds, treeCpuSeconds } from '../measure/process-usage.ts';
import type { Fleet } from './fleet.ts';
import type { TwinOptions } from './options.ts';

export const SOURCES = ['skein', 'redis', 'redisParsed', 'rows'] as const;
export type Source = (typeof SOURCES)[number];
/** `reader`: the process that reads, which for Skein is the node itself. */
export type ReadRun = LoopFigures & {
  readonly cpuSeconds: Readonly<Record<'reader' | 'redis' | 'postgres', number>>;
};
export type ReadRound = Readonly<Record<Source, ReadRun>>;
export type ReadFigures = { readonly valueBytes: number; readonly rounds: readonly ReadRound[] };

const WARM_UP_SECONDS = 1;

export async function measureReads(fleet: Fleet, options: TwinOptions): Promise<ReadFigures> {
  const redis = await startRedis();
  try {
    return await measureRounds(fleet, options, redis.port);
  } finally {
    await redis.stop();
  }
}

async function measureRounds(fleet: Fleet, options: TwinOptions, redisPort: number): Promise<ReadFigures> {
  const { databaseUrl, firstUid, key } = fleet;
  const { devices, underWay } = options;
  const about = (seconds: number) => ({
    ...{ redisPort, databaseUrl, firstUid, key, devices, underWay, seconds },
  });
  const { pid, bytes } = await fleet.references.ask('fillRedis', about(0));
  const ask = (source: Source, seconds: number) =>
    source === 'skein' ? fleet.node.ask('read', about(seconds)) : fleet.references.ask(source, about(seconds));
  const measure = async (source: Source): Promise<ReadRun> => {
    await ask(source, WARM_UP_SECONDS);
    const reader = source === 'skein' ? fleet.node.pid : fleet.references.pid;
    const used = {
      reader: () => cpuSeconds(reader),
      redis: () => cpuSeconds(pid),
      postgres: () => treeCpuSeconds(fleet.postgresPid),
    };
    const { result, cpuSeconds: spent } = await cpuDuring(used, () => ask(source, options.readSeconds));
    return { ...result, cpuSeconds: spent };
  };
  const rounds: ReadRound[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const runs = {} as Record<Source, ReadRun>;
    for (const source of SOURCES) runs[source] = await measure(source);
    rounds.push(runs);
  }
  return { valueBytes: bytes, rounds };
}
